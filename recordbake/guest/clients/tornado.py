"""tornado's ``SimpleAsyncHTTPClient``; ``CurlAsyncHTTPClient`` is in :mod:`.tornado_curl`.

The seam is the connecting of a request's ``_HTTPConnection``: it gets a stream of tornado's own
over no connection. tornado writes its request to it; once that is whole it is decided whether it
is answered from the store, sent over a real connection, or blocked. Parsing, decoding, redirects
(a request each), callbacks, limits and timeouts are tornado's, above.
"""

from __future__ import annotations

import functools
import sys

from .. import decision
from ..exchange import Request, is_upgrade
from .patching import is_patched, mark
from .tornado_exchange import Exchange
from .tornado_stream import make_stream
from .tornado_urls import port_of, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine

NAME = "tornado"


class TornadoSeam:
    """What an exchange needs to know of tornado.

    Args:
        module: ``tornado.simple_httpclient``.
        engine: decides and captures.
    """

    name = NAME

    def __init__(self, module: ModuleType, engine: Engine) -> None:
        self.module: Any = module
        self.engine = engine
        self.stream_class = make_stream(sys.modules["tornado.iostream"])
        self.connect = module.TCPClient.connect

    def is_not_ours(self, connection: Any) -> bool:
        """Whether somebody has replaced what connects, or the host is none of our business."""
        if type(connection.tcp_client).connect is not self.connect:
            return True
        parts = split(connection.request.url)
        return parts.scheme not in ("http", "https") or self.engine.bypasses(
            parts.hostname or "", port_of(parts)
        )

    def has_own_resolver(self, connection: Any) -> bool:
        """Whether a suite resolves names itself, often to lead them to a server of its own."""
        kind = type(connection.tcp_client.resolver)
        return not kind.__module__.startswith("tornado.") or kind.__name__ == "OverrideResolver"

    async def resolves_here(self, connection: Any) -> bool:
        """Whether a name leads to this machine, by the suite's own resolver."""
        parts = split(connection.request.url)
        port = port_of(parts)
        try:
            found = await connection.tcp_client.resolver.resolve(parts.hostname, port)
        except Exception:
            return False  # connecting will fail too, and tell
        return bool(found) and all(
            not isinstance(address, tuple) or self.engine.bypasses(str(address[0]), port)
            for _, address in found
        )

    def timed_out(self, text: str) -> Exception:
        """The error of a request that took too long."""
        error = self.module.HTTPTimeoutError(text)
        assert isinstance(error, Exception)
        return error

    def blocked(self, message: str) -> Exception:
        """The error for a request that a strict replay does not let out.

        The parent of what tornado raises where no response came, with its status 599: one of a
        closed stream or a timeout would be tried again (docs/adr/0005).
        """
        error = sys.modules["tornado.httpclient"].HTTPClientError(599, message)
        assert isinstance(error, Exception)
        return error


class DeferredClient:
    """Takes the place of one request's ``TCPClient``.

    Args:
        seam: what decides.
        connection: the request's ``_HTTPConnection``.
    """

    def __init__(self, seam: TornadoSeam, connection: Any) -> None:
        self._seam = seam
        self._connection = connection
        self._client = connection.tcp_client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def connect(self, *args: Any, **options: Any) -> Any:
        """A stream; the real one is opened when the request goes live."""
        connect = functools.partial(self._client.connect, *args, **options)
        exchange = Exchange(self._seam, self._connection, connect)
        exchange.stream = self._seam.stream_class(exchange, options.get("max_buffer_size"))
        return exchange.stream


def _pass_upgrade(seam: TornadoSeam, connection: Any) -> None:
    """A WebSocket is not kept; a strict replay does not let it out.

    Raises:
        HTTPClientError: it is blocked.
    """
    request = connection.request
    headers = list(request.headers.get_all())
    plan = seam.engine.plan(Request(request.method, request.url, headers, b"", NAME))
    if plan.action == decision.BLOCK:
        raise seam.blocked(plan.message)
    seam.engine.watch(plan).finish()


def _patch(cls: Any, seam: TornadoSeam) -> None:
    run, handle_exception = cls.run, cls._handle_exception

    @functools.wraps(run)
    async def run_deferred(self: Any) -> None:
        if not seam.is_not_ours(self):
            if is_upgrade(list(self.request.headers.get_all())):
                try:
                    _pass_upgrade(seam, self)
                except Exception:
                    self._handle_exception(*sys.exc_info())
                    return
            else:
                self.tcp_client = DeferredClient(seam, self)
        await run(self)

    @functools.wraps(handle_exception)
    def note_exception(self: Any, typ: Any, value: Any, tb: Any) -> Any:
        exchange = getattr(getattr(self, "stream", None), "exchange", None)
        if exchange is not None:
            exchange.caller_failed(value)
        return handle_exception(self, typ, value, tb)

    mark(run_deferred)
    cls.run, cls._handle_exception = run_deferred, note_exception


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``tornado.simple_httpclient``; returns tornado's version."""
    cls: Any = module._HTTPConnection
    if not is_patched(cls.run):
        _patch(cls, TornadoSeam(module, engine))
    return str(sys.modules["tornado"].version)
