"""httpx's transport errors to data and back."""

from __future__ import annotations

import sys

from ..exchange import CONNECT, HEAD, OWN, Failure
from . import exceptions
from .failures import CLOSED_HERE
from .failures import classify as classify_socket
from .failures import rebuild as rebuild_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, NoReturn

#: httpx class -> (kind, phase); subclasses before their parents.
_KINDS = (
    ("PoolTimeout", OWN, HEAD),
    ("LocalProtocolError", OWN, HEAD),
    ("UnsupportedProtocol", OWN, HEAD),
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

#: kind -> httpx class, for what another client recorded
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
    "cancelled": "ReadTimeout",
    "unread": "ReadTimeout",
}
#: kind -> what httpx says where another client recorded something that it does not say
_TEXTS = {
    "disconnected": "Server disconnected without sending a response.",
    "truncated": "peer closed connection without sending complete message body",
    "partial": CLOSED_HERE,
    "cancelled": CLOSED_HERE,
    "unread": CLOSED_HERE,
}


def classify(module: ModuleType, error: Exception) -> Failure:
    """What kind of failure an httpx transport error is, and how to raise it again."""
    failure = Failure("protocol", str(error), 0, HEAD)
    for name, kind, phase in _KINDS:
        if isinstance(error, getattr(module, name)):
            failure.kind, failure.phase = kind, phase
            if kind == "connect":
                below = classify_socket(error, phase)
                failure.kind, failure.errno = below.kind, below.errno
            break
    failure.chain = exceptions.describe(error)
    return failure


def unwrapped(error: BaseException) -> Failure:
    """What httpx let through, as of values that it cannot use; it is raised again as it is."""
    return Failure(OWN, str(error), 0, HEAD, chain=exceptions.describe(error))


def is_of_sending(failure: Failure) -> bool:
    """Whether the request failed while its body was sent."""
    return bool(failure.chain) and failure.chain[0][1] in ("WriteTimeout", "WriteError")


def raise_failure(module: ModuleType, failure: Failure, request: Any) -> NoReturn:
    """Raise the httpx exception that was recorded; of another client's, the one that fits.

    Raises:
        httpx.TransportError: always, unless it is a mistake of the caller's.
    """
    made = exceptions.rebuild(failure.chain) if failure.kind == OWN else None
    if made is not None and exceptions.is_unwrapped(made):
        raise made
    if failure.client == module.__name__ and failure.chain:
        cls = getattr(module, failure.chain[0][1], None)
        cause = exceptions.rebuild(failure.chain[1:])
        if isinstance(cls, type) and issubclass(cls, module.TransportError):
            raised: Any = cls(failure.message, request=request)
            raised.__context__ = cause
            raise raised from cause
    name = _CLASSES.get(failure.kind, "NetworkError")
    text = _TEXTS.get(failure.kind) or failure.message
    if failure.kind in ("dns", "refused", "connect", "reset", "tls"):
        text = str(rebuild_socket(failure))
    # httpx wraps what its transport library raised, httpcore or httpcore2.
    core = sys.modules.get(module.__name__.replace("httpx", "httpcore"))
    cause = getattr(core, name)(text) if hasattr(core, name) else None
    raise getattr(module, name)(text, request=request) from cause
