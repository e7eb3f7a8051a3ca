"""What urllib3 raises of a connection that failed: as its ``connect`` does, and as its pools do.

Live a pool connects before a request to an ``https`` origin begins, and says what failed otherwise
than of the request itself (urllib3's ``connectionpool``: ``_make_request``, ``_prepare_proxy``). A
connection that is deferred fails in the request.
"""

from __future__ import annotations

import ssl
import sys

from .exceptions import rebuild
from .failures import NOT_CONNECTED
from .urllib3 import as_exception

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Failure

# A suite may replace functions of Python by mocks; this is the real one.
_getframe = sys._getframe

#: Kinds of failures before there is a connection, which urllib3 wraps.
_NOT_MADE = ("dns", "refused", "connect", "connect_timeout")
#: How what http.client says of a proxy begins that opens no tunnel, which closes the connection.
_TUNNEL = "Tunnel "
_POOLS = "urllib3.connectionpool"


def of_connect(connection: Any, failure: Failure, cause: Exception) -> Exception:
    """The error that urllib3's own ``connect`` raised while recording.

    Args:
        connection: urllib3's.
        failure: as recorded.
        cause: what was raised below urllib3.
    """
    exceptions = sys.modules["urllib3.exceptions"]
    wrapped = _is_wrapped(connection, failure, cause)
    if getattr(connection, "proxy", None):
        refused = failure.message.startswith(_TUNNEL)
        connection._has_connected_to_proxy = not (wrapped or refused)
    if not wrapped:
        return cause
    below = _of_socks(failure) or cause
    names = hasattr(exceptions, "NameResolutionError")  # since 2.0, as is where one comes from
    if failure.kind == "connect_timeout":
        text = f"Connection to {connection.host} timed out. (connect timeout={connection.timeout})"
        made = exceptions.ConnectTimeoutError(connection, text)
    elif failure.kind == "dns" and names and not getattr(connection, "_socks_options", None):
        made = exceptions.NameResolutionError(connection.host, connection, cause)
    else:
        text = f"Failed to establish a new connection: {cause}"
        made = exceptions.NewConnectionError(connection, text)
    if names and (below is cause or failure.kind == "connect_timeout"):  # see urllib3#2386
        made.__cause__ = below
    made.__context__ = below
    return as_exception(made)


def _of_socks(failure: Failure) -> BaseException | None:
    """What PySocks raised of a proxy, from what it was told."""
    made = rebuild([link for link in failure.chain if link[0] == "socks"][:1])
    if made is not None:
        made.__context__ = getattr(made, "socket_err", None)
    return made


def _is_wrapped(connection: Any, failure: Failure, cause: Exception) -> bool:
    """Whether there was no connection yet; a handshake and a tunnel fail as they are."""
    if not isinstance(cause, OSError) or failure.kind not in _NOT_MADE:
        return False
    if failure.kind == "connect_timeout":
        if getattr(connection, "_tunnel_host", None):
            return bool(failure.chain) and failure.chain[0][1] == NOT_CONNECTED
        return "_ssl.c" not in failure.message
    return not failure.message.startswith(_TUNNEL)


def of_pool(connection: Any, error: Exception) -> Exception:
    """What a pool that asks makes of an error of connecting; the error itself if none does."""
    if connection.default_port != 443:  # noqa: PLR2004  # it connects in the request, live too
        return error
    pool, url = _asking()
    if pool is None:
        return error
    exceptions = sys.modules["urllib3.exceptions"]
    newer = hasattr(exceptions, "NameResolutionError")  # 1.26 looks at the request's errors alone
    tunnelled = getattr(connection, "_tunnel_host", None) and pool.proxy is not None
    if tunnelled and not newer:
        return error
    try:
        if isinstance(error, OSError):
            where = pool.proxy.url if tunnelled else url
            pool._raise_timeout(err=error, url=where, timeout_value=connection.timeout)
    except exceptions.ReadTimeoutError as made:
        made.__context__ = error
        return as_exception(made)
    certificate = getattr(sys.modules["urllib3.connection"], "CertificateError", ssl.SSLError)
    if isinstance(error, (ssl.SSLError, certificate)) and newer and not tunnelled:
        wrapper = exceptions.SSLError(error)
        wrapper.__context__ = error
        return as_exception(wrapper)
    return error


def _asking() -> tuple[Any, Any]:
    """The pool that asks in this thread, and what for."""
    frame = _getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_make_request" and frame.f_globals.get("__name__") == _POOLS:
            names = frame.f_locals
            return names.get("self"), names.get("url")
        frame = frame.f_back  # type: ignore[assignment]
    return None, None
