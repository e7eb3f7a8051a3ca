"""aiohttp's errors of connecting to data and back; later ones are made by its own protocol."""

from __future__ import annotations

import asyncio
import ssl
import sys

from ..exchange import CONNECT, Failure
from .failures import classify, rebuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Chain

#: What a proxy answers instead of opening a tunnel; a certificate that is another one.
_PROXY, _FINGERPRINT = "ClientHttpProxyError", "ServerFingerprintMismatch"
#: The same where it is no answer.
_ANSWERED = (_PROXY, "ClientResponseError")
#: What a proxy does that breaks off while a tunnel is asked for.
_IN_TUNNEL = ("ServerDisconnectedError", "ClientOSError")
#: What says to whom the connection was to be: to the proxy, where there is one.
_OF_PROXY = ("ClientProxyConnectionError", "ClientConnectorDNSError")


def classify_connect(error: BaseException) -> Failure:
    """What kind of failure an error of connecting is."""
    if isinstance(error, asyncio.TimeoutError):
        return Failure("connect_timeout", str(error), 0, CONNECT)
    cause: Any = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
    failure = classify(cause, CONNECT)
    if not isinstance(cause, OSError):
        failure.kind, failure.message = "connect", str(error)
    failure.chain = _as_plain(error) or failure.chain
    return failure


def _as_plain(error: Any) -> Chain:
    """An error that is not the system's: class and values that JSON can hold; none for others."""
    kind, values = type(error).__name__, []
    if kind in _ANSWERED:
        fields = [[str(name), str(value)] for name, value in (error.headers or {}).items()]
        values = [error.status, error.message, fields]
    elif kind == _FINGERPRINT:
        values = [error.expected.hex(), error.got.hex(), error.host, error.port]
    elif kind in _IN_TUNNEL:
        values = list(map(str, error.args)) if kind == _IN_TUNNEL[0] else list(error.args)
    return [(type(error).__module__, kind, values)] if values else []


def _from_plain(module: Any, chain: Chain, request: Any) -> Exception | None:
    """The inverse of :func:`_as_plain`; None where this is none, or not what it should be."""
    try:
        ((_, kind, values),) = chain
        if kind == _FINGERPRINT:
            expected, got, host, port = values
            made = module.ServerFingerprintMismatch(
                bytes.fromhex(str(expected)), bytes.fromhex(str(got)), str(host), port
            )
        elif kind in _ANSWERED:
            status, message, fields = values
            headers = {**(request.proxy_headers or {}), "Host": request.headers.get("Host", "")}
            made = getattr(module, kind)(
                module.RequestInfo(request.url, "CONNECT", _fields(headers.items()), request.proxy),
                (), status=status, message=str(message),
                headers=_fields(fields) if fields or kind == _PROXY else None,
            )  # fmt: skip
        elif kind in _IN_TUNNEL:
            made = getattr(module, kind)(*values)
            if isinstance(made, OSError):
                made.__cause__ = OSError(*values)
        else:
            return None
    except (ValueError, TypeError, AttributeError):
        return None
    assert isinstance(made, Exception)
    return made


def _fields(pairs: Any) -> Any:
    multidict = sys.modules["multidict"]
    return multidict.CIMultiDictProxy(multidict.CIMultiDict(tuple(map(tuple, pairs))))


def connect_timeout(module: Any, request: Any) -> Exception:
    """The error that aiohttp raises when connecting takes too long.

    Its class is ``ServerTimeoutError`` before 3.10.
    """
    cls = getattr(module, "ConnectionTimeoutError", module.ServerTimeoutError)
    error = cls(f"Connection timeout to host {request.url}")
    error.__cause__ = error.__context__ = TimeoutError()
    assert isinstance(error, Exception)
    return error


def _key(request: Any) -> Any:
    """The key of the connection to a request's proxy."""
    proxy, key = request.proxy, request.connection_key
    return key._replace(
        host=proxy.host, port=proxy.port, is_ssl=proxy.scheme == "https", proxy=None,
        proxy_auth=None, proxy_headers_hash=None,
    )  # fmt: skip


def rebuild_connect(module: Any, failure: Failure, request: Any) -> Exception:
    """The aiohttp exception of a connection that failed while recording."""
    if failure.kind == "connect_timeout":
        return connect_timeout(module, request)
    if own := _from_plain(module, failure.chain, request):
        return own
    cause = rebuild(failure)
    name = "ClientConnectorError"
    if failure.kind == "dns":
        name = "ClientConnectorDNSError"  # since 3.10
    elif isinstance(cause, ssl.SSLCertVerificationError):
        name = "ClientConnectorCertificateError"
    elif isinstance(cause, ssl.SSLError):
        name = "ClientConnectorSSLError"
    elif request.proxy:
        name = "ClientProxyConnectionError"
    cls = getattr(module, name, module.ClientConnectorError)
    error = cls(
        _key(request) if request.proxy and name in _OF_PROXY else request.connection_key, cause
    )
    error.__cause__ = error.__context__ = cause
    assert isinstance(error, Exception)
    return error
