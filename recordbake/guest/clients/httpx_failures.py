"""httpx's transport errors to data and back."""

from __future__ import annotations

import sys

from ..exchange import CONNECT, HEAD, Failure
from .failures import classify as classify_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, NoReturn

#: httpx class -> (kind, phase); subclasses before their parents.
_KINDS = (
    ("ConnectTimeout", "connect_timeout", CONNECT),
    ("ReadTimeout", "read_timeout", HEAD),
    ("WriteTimeout", "read_timeout", HEAD),
    ("ConnectError", "connect", CONNECT),
    ("ReadError", "reset", HEAD),
    ("WriteError", "reset", HEAD),
    ("CloseError", "reset", HEAD),
    ("ProxyError", "connect", CONNECT),
    ("RemoteProtocolError", "disconnected", HEAD),
)

#: kind -> httpx class
_CLASSES = {
    "dns": "ConnectError",
    "refused": "ConnectError",
    "tls": "ConnectError",
    "connect": "ConnectError",
    "connect_timeout": "ConnectTimeout",
    "read_timeout": "ReadTimeout",
    "reset": "ReadError",
    "disconnected": "RemoteProtocolError",
    "protocol": "RemoteProtocolError",
    "truncated": "RemoteProtocolError",
    "partial": "ReadError",
}


def classify(module: ModuleType, error: Exception) -> Failure:
    """What kind of failure an httpx transport error is."""
    for name, kind, phase in _KINDS:
        if isinstance(error, getattr(module, name)):
            if kind == "connect":
                socket_failure = classify_socket(error, phase)
                return Failure(socket_failure.kind, str(error), socket_failure.errno, phase)
            return Failure(kind, str(error), 0, phase)
    return Failure("protocol", str(error), 0, HEAD)


def raise_failure(module: ModuleType, failure: Failure, request: Any) -> NoReturn:
    """Raise the httpx exception that was recorded.

    Raises:
        httpx.TransportError: always, of the class that fits.
    """
    name = _CLASSES.get(failure.kind, "NetworkError")
    # httpx wraps what its transport library raised, httpcore or httpcore2.
    core = sys.modules.get(module.__name__.replace("httpx", "httpcore"))
    cause = getattr(core, name)(failure.message) if hasattr(core, name) else None
    raise getattr(module, name)(failure.message, request=request) from cause
