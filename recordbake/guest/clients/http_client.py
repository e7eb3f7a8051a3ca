"""http.client, and everything that stands on it: urllib.request, xmlrpc, and urllib3's classes.

The seam is ``connect()`` of a connection: a deferred socket takes the place of the real one. It
collects the request's bytes; once they are whole it is decided whether they are answered from
the store, sent live over a real connection, or blocked. The response goes through the client's
own parser either way.
"""

from __future__ import annotations

import errno
import functools
import socket
import sys

from ..version import PYTHON
from .answer_files import wrap_parser
from .connection import host_asked, port_asked, proxy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Failure
    from ..plan import Plan
    from .deferred_socket import DeferredSocket

    Connect = Callable[[Any], None]

# A suite may replace functions of Python by mocks; this is the real one.
_getframe = sys._getframe

#: Whose version :func:`install` returns.
CLIENT = NAME = "http.client"

#: Every ``connect`` that is ours; a subclass with a ``connect`` of its own is not captured, since
#: nobody knows what it does with the socket (a Unix socket, say). The guard is there for it.
_OURS: set[Any] = set()

#: The classes whose ``connect`` is ours.
_PATCHED: set[Any] = set()

#: Connections (by id) whose original ``connect`` is running: it may call its parent's, ours.
_dialing: set[int] = set()


#: Who connects because there is a request to send: connecting is then a part of it.
_LIBRARIES = frozenset({
    "botocore", "http", "httplib2", "requests", "urllib", "urllib3", __name__.partition(".")[0],
})  # fmt: skip
#: What connects by itself when a request has begun.
_OPENS = "http.client"


@functools.cache
def deferred_socket() -> type[DeferredSocket]:
    """The class of deferred sockets: most processes that import a client make none.

    Found once: a process that ends asks for the last time when nothing can be imported any more.
    """
    from .deferred_socket import DeferredSocket

    return DeferredSocket


class HttpClientSeam:
    """What the deferred socket needs to know of the connection class it stands in for.

    Args:
        engine: decides and captures.
        connect: the class's original ``connect``.
    """

    name = NAME

    def __init__(self, engine: Engine, connect: Connect) -> None:
        self.engine = engine
        self._connect = connect

    def dial(self, connection: Any, stand_in: DeferredSocket) -> Any:
        """Open the real connection as the client would have; returns its socket.

        Raises:
            Exception: whatever the client's own ``connect`` raises.
        """
        connection.sock = None
        _dialing.add(id(connection))
        try:
            self._connect(connection)
        except BaseException:
            if connection.sock is not None:  # it got as far as having one
                stand_in.real, connection.sock = connection.sock, stand_in
            raise
        else:
            real, connection.sock = connection.sock, stand_in
            return real
        finally:
            _dialing.discard(id(connection))

    def socket_options(self, connection: Any) -> Iterable[tuple[Any, ...]]:  # noqa: ARG002
        """What ``connect`` sets on a socket: arguments of ``setsockopt``."""
        return ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

    def prepared(self, connection: Any) -> None:
        """Set what ``connect`` would have set, without a connection."""

    def blocked(self, connection: Any, plan: Plan) -> Exception:  # noqa: ARG002
        """The error for a request that a strict replay does not let out."""
        return ConnectionRefusedError(errno.ECONNREFUSED, plan.message)

    def failed(self, connection: Any, failure: Failure) -> Exception:  # noqa: ARG002
        """The error for a connection that failed while recording."""
        from .failures import rebuild

        return rebuild(failure)

    def surfaced(self, connection: Any, error: Exception) -> Exception:  # noqa: ARG002
        """An error of connecting as who asks gets it, who may have connected earlier, live."""
        return error


def is_ours(connection: Any) -> bool:
    """Whether connecting this connection would give it a deferred socket."""
    return type(connection).connect in _OURS and id(connection) not in _dialing


def is_wrapped(connection: Any) -> bool:
    """Whether somebody has put a ``connect`` in the place of ours on the class itself.

    If it calls ours it only wants to know of it, unlike that of a subclass.
    """
    owner = next(cls for cls in type(connection).__mro__ if "connect" in vars(cls))
    return owner in _PATCHED and id(connection) not in _dialing


def is_bypassed(connection: Any, engine: Engine) -> bool:
    """Whether a connection is none of our business, whatever is asked of it."""
    host, port = host_asked(connection), port_asked(connection)
    return engine.bypasses(host, port) and proxy_of(connection) is None


def patch(cls: Any, seam: HttpClientSeam) -> None:
    """Replace a connection class's ``connect``."""
    original = cls.connect

    def connect(self: Any) -> None:
        __tracebackhide__ = True  # pytest then shows the suite's own lines
        if not (is_ours(self) or is_wrapped(self)) or is_bypassed(self, seam.engine):
            original(self)
            return
        caller = _getframe(1).f_globals.get("__name__") or ""
        self.sock = stand_in = deferred_socket()(self, seam, waiting=caller == _OPENS)
        seam.prepared(self)
        if caller.partition(".")[0] not in _LIBRARIES:
            stand_in.connect()

    connect.__wrapped__ = original  # type: ignore[attr-defined]
    connect.__doc__ = original.__doc__
    _OURS.add(connect)
    _PATCHED.add(cls)
    cls.connect = connect


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``http.client``; returns the version of Python."""
    wrap_parser(module)
    for cls in (module.HTTPConnection, module.HTTPSConnection):
        patch(cls, HttpClientSeam(engine, cls.connect))
    return PYTHON
