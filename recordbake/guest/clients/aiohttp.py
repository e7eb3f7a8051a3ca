"""aiohttp, and what stands on it: fsspec's http filesystem, s3fs, streaming in datasets.

The seam is the connector's ``_create_connection``: it hands out a response protocol of aiohttp's
own over a deferred transport. aiohttp writes its request to it; once that is whole it is decided
whether the protocol is fed from the store, from a real connection, or with the error of a block.
Pool, limits, redirects, cookies, decoding, timeouts and traces are aiohttp's, above.
"""

from __future__ import annotations

import functools
import sys

from .aiohttp_protocols import make_protocols
from .aiohttp_traces import tell_of_look_up
from .aiohttp_transport import DeferredTransport
from .patching import is_patched, mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType
    from typing import Any

    from ..engine import Engine

NAME = "aiohttp"


class AiohttpSeam:
    """What a deferred transport needs to know of aiohttp.

    Args:
        module: ``aiohttp``.
        engine: decides and captures.
        create_connection: the connector's original ``_create_connection``.
    """

    name = NAME

    def __init__(
        self, module: ModuleType, engine: Engine, create_connection: Callable[..., Awaitable[Any]]
    ) -> None:
        self.module: Any = module
        self.engine = engine
        self.create_connection = create_connection
        self._resolve_host = self.module.TCPConnector._resolve_host
        self.handler_class, self.wire_class = make_protocols(
            sys.modules["aiohttp.client_proto"], module
        )

    def connection(self, connector: Any, request: Any, timeout: Any) -> Any:
        """A response protocol over a deferred transport."""
        if request.proxy and request.proxy_auth is not None and not request.is_ssl():
            # aiohttp adds it while it connects, which will be too late here.
            request.headers["Proxy-Authorization"] = request.proxy_auth.encode()
        handler = self.handler_class(connector._loop)
        handler.connection_made(DeferredTransport(self, connector, request, timeout, handler))
        return handler

    @staticmethod
    def proxy_host(request: Any) -> str | None:
        """The host of the proxy that a request goes through, if there is one."""
        return request.proxy.raw_host if request.proxy else None

    def is_beyond(self, request: Any) -> bool:
        """Whether a request leaves this machine though it may name it: by a proxy."""
        return self.engine.is_beyond(self.proxy_host(request))

    def has_own_resolver(self, connector: Any) -> bool:
        """Whether a suite resolves names itself, often to lead them to a server of its own."""
        return (
            type(connector)._resolve_host is not self._resolve_host
            or type(connector._resolver).__module__ != "aiohttp.resolver"
        )

    async def resolves_here(self, connector: Any, request: Any) -> bool:
        """Whether a name leads to this machine, by the suite's own resolver."""
        try:
            found = await connector._resolve_host(request.url.raw_host, request.port, traces=[])
        except Exception:
            return False  # connecting will fail too, and tell
        return bool(found) and all(
            self.engine.bypasses(each["host"], request.port) for each in found
        )

    @staticmethod
    def origin_of(request: Any) -> str:
        """Scheme and authority of a request's URL, without credentials and a default port."""
        scheme = "https" if request.is_ssl() else "http"
        return f"{scheme}://{str(request.url.origin()).partition('://')[2]}"

    def blocked(self, message: str) -> Exception:
        """The error for a request that a strict replay does not let out.

        The parent of aiohttp's errors itself: what is a connection error is tried again, and what
        is an answer has a status that somebody reads (docs/adr/0005).
        """
        error = self.module.ClientError(message)
        assert isinstance(error, Exception)
        return error


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``aiohttp.TCPConnector``; returns aiohttp's version."""
    cls: Any = module.TCPConnector
    version = str(getattr(module, "__version__", "unknown"))
    if is_patched(cls._create_connection):
        return version
    original = cls._create_connection
    seam = AiohttpSeam(module, engine, original)

    @functools.wraps(original)
    async def _create_connection(self: Any, req: Any, traces: Any, timeout: Any) -> Any:
        if engine.bypasses(req.url.raw_host or "", req.port) and not seam.is_beyond(req):
            return await original(self, req, traces, timeout)
        await tell_of_look_up(self, req, traces)
        return seam.connection(self, req, timeout)

    mark(_create_connection)
    cls._create_connection = _create_connection
    return version
