"""Socket-level exceptions to data and back, for the clients that stand on sockets."""

from __future__ import annotations

import errno
import socket
import ssl

from ..exchange import CONNECT, OWN, Failure
from . import exceptions
from .exceptions import describe, is_mistake, system_error

CLOSED_HERE = "recordbake: while recording, the caller closed the response or gave up at this point"

#: What urllib3 raises if even a proxy is not reached in time; a tunnel times out as it does.
NOT_CONNECTED = "ConnectTimeoutError"
#: What urllib3 raises of a certificate that it looks at itself.
_CERTIFICATE = frozenset({"CertificateError", "SSLError"})


def classify(error: BaseException, phase: str) -> Failure:
    """What kind of failure an exception is; wrapped ones are judged by their cause."""
    cause: BaseException = error
    while not isinstance(cause, OSError) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__ or cause
    number = cause.errno if isinstance(cause, OSError) and cause.errno else 0
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
    if isinstance(cause, socket.gaierror):
        kind = "dns"
    elif isinstance(cause, (socket.timeout, TimeoutError)) or "timed out" in text:
        kind = "connect_timeout" if phase == CONNECT else "read_timeout"
    elif isinstance(cause, ssl.SSLError):
        kind, text = "tls", str(cause.args[1]) if len(cause.args) > 1 else str(cause)
    elif type(cause).__name__ in _CERTIFICATE:
        kind = "tls"
    elif is_mistake(cause):
        kind = OWN
    elif isinstance(cause, ConnectionRefusedError):
        kind = "refused"
    elif isinstance(cause, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        kind = "reset"
    else:
        kind = "connect" if phase == CONNECT else "reset"
    chain = describe(error if kind == OWN else cause)
    if type(error).__name__ == NOT_CONNECTED:
        chain.insert(0, (type(error).__module__, NOT_CONNECTED, []))
    return Failure(kind, text, number, phase, chain=chain)


def rebuild(failure: Failure) -> Exception:
    """The exception that the socket layer raised, made again from data.

    Of what never came to a socket, the client's own.
    """
    return system_error(failure.chain) or _own(failure) or _by_kind(failure)


def _own(failure: Failure) -> Exception | None:
    """What the client raised of values that it could not use, or of a certificate."""
    if failure.kind not in ("tls", OWN, "connect"):
        return None
    made = exceptions.rebuild(failure.chain[:1])
    if isinstance(made, Exception) and (
        is_mistake(made) or type(made).__name__ in _CERTIFICATE
        or type(made).__module__ == "http.client"  # what a proxy answered that opened no tunnel
    ):  # fmt: skip
        return made
    return None


def _by_kind(failure: Failure) -> OSError:
    """For what another client recorded, which told nothing of the system's error."""
    number, text = failure.errno, failure.message
    if failure.kind == "dns":
        return socket.gaierror(number or socket.EAI_NONAME, text)
    if failure.kind in ("connect_timeout", "read_timeout"):
        return TimeoutError(text or "timed out")
    if failure.kind == "tls":
        made = ssl.SSLCertVerificationError if "CERTIFICATE_VERIFY" in text else ssl.SSLError
        return made(number or 1, text)
    if failure.kind == "reset":
        return ConnectionResetError(number or errno.ECONNRESET, text)
    if failure.kind in ("partial", "cancelled", "unread"):
        return ConnectionResetError(errno.ECONNRESET, CLOSED_HERE)
    return OSError(number or errno.ECONNREFUSED, text)
