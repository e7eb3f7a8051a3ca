"""aiohttp's errors of connecting to data and back; later ones are made by its own protocol."""

from __future__ import annotations

import asyncio
import ssl

from ..exchange import CONNECT, Failure
from .failures import classify, rebuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def classify_connect(error: BaseException) -> Failure:
    """What kind of failure an error of connecting is."""
    if isinstance(error, asyncio.TimeoutError):
        return Failure("connect_timeout", str(error), 0, CONNECT)
    cause: Any = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
    failure = classify(cause, CONNECT)
    if not isinstance(cause, OSError):
        failure.kind, failure.message = "connect", str(error)
    return failure


def connect_timeout(module: Any, request: Any) -> Exception:
    """The error that aiohttp raises when connecting takes too long.

    Its class is ``ServerTimeoutError`` before 3.10.
    """
    cls = getattr(module, "ConnectionTimeoutError", module.ServerTimeoutError)
    error = cls(f"Connection timeout to host {request.url}")
    error.__cause__ = TimeoutError()
    assert isinstance(error, Exception)
    return error


def rebuild_connect(module: Any, failure: Failure, request: Any) -> Exception:
    """The aiohttp exception of a connection that failed while recording."""
    if failure.kind == "connect_timeout":
        return connect_timeout(module, request)
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
    error = cls(request.connection_key, cause)
    error.__cause__ = cause
    assert isinstance(error, Exception)
    return error
