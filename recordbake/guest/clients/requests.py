"""requests: hits are answered where it hands a request to urllib3.

Only what needs nothing of urllib3's pools: no proxies, no client certificate, no retries, nothing
replaced by a test. The rest, misses included, goes on to urllib3, whose seam decides.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys

from .deferred_socket import DeferredSocket
from .http_client import HttpClientSeam
from .ready import PLAIN_TARGET, plain_request, put_answer, ready_take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+)(?::[0-9]+)?(?=/)")
#: What a subclass or a test may replace, and would notice to be passed by.
_ADAPTER = (
    "add_headers", "build_response", "cert_verify", "get_connection",
    "get_connection_with_tls_context", "request_url",
)  # fmt: skip
_POOL = (
    "urlopen", "_make_request", "_get_conn", "_put_conn", "_new_conn", "_validate_conn",
    "ConnectionCls",
)  # fmt: skip
_MANAGER = ("connection_from_host", "connection_from_url", "connection_from_pool_key")
_CONNECTION = ("connect", "request", "getresponse", "putrequest", "putheader", "endheaders", "send")


def _members(owner: Any, names: tuple[str, ...]) -> list[Any]:
    return [getattr(owner, name, None) for name in names]


class RequestsSeam:
    """Answers for ``requests.adapters``.

    Args:
        module: ``requests.adapters``.
        engine: decides.
    """

    def __init__(self, module: ModuleType, engine: Engine) -> None:
        self.engine = engine
        pools = sys.modules["urllib3.connectionpool"]
        base = sys.modules["http.client"]
        self._adapter = module.HTTPAdapter
        managers = sys.modules["urllib3.poolmanager"]
        self._manager = managers.PoolManager
        self._pool_classes = dict(managers.pool_classes_by_scheme)
        self._retry = module.Retry
        self._select_proxy = module.select_proxy
        self._log: logging.Logger = pools.log
        self._connections = {"http": pools.HTTPConnection, "https": pools.HTTPSConnection}
        self._watched = (
            (self._manager, _MANAGER),
            (pools.HTTPConnectionPool, _POOL),
            (pools.HTTPSConnectionPool, _POOL),
            (pools.HTTPConnection, _CONNECTION),
            (pools.HTTPSConnection, _CONNECTION),
            (base.HTTPConnection, _CONNECTION),
            (base.HTTPResponse, ("begin",)),
        )
        self._seam = HttpClientSeam(engine, pools.HTTPConnection.connect)
        self._own = _members(self._adapter, _ADAPTER)
        self._original = [_members(owner, names) for owner, names in self._watched]

    def answer(self, adapter: Any, request: Any, options: Any) -> Any:
        """The response of a hit, or None: the request has to go the whole way."""
        match = _ORIGIN.match(request.url)
        if match is None or not PLAIN_TARGET.fullmatch(request.url, match.end()):
            return None
        if not self._is_plain(adapter, request, **options):
            return None
        asked = plain_request(request.method, request.url, request.headers, request.body)
        take = None if asked is None else ready_take(self.engine, asked)
        if take is None:
            return None
        connection = self._connections[match.group(1)](match.group(2))
        connection.sock = DeferredSocket(connection, self._seam)
        connection._response_options = self._options(request)
        put_answer(connection, take, request.method)
        response = connection.getresponse()
        connection.sock = None  # they hold each other, and the collector would have to part them
        response.retries = adapter.max_retries
        return adapter.build_response(request, response)

    def _options(self, request: Any) -> Any:
        return sys.modules["urllib3.connection"]._ResponseOptions(
            request_method=request.method,
            request_url=request.path_url,
            preload_content=False,
            decode_content=False,
            enforce_content_length=True,
        )

    def _is_plain(  # noqa: PLR0913
        self, adapter: Any, request: Any, *, timeout: Any = None, verify: Any = True,
        cert: Any = None, proxies: Any = None, **_: Any,
    ) -> bool:  # fmt: skip
        return (
            (verify is True or request.url.startswith("http:") or _is_there(verify))
            and cert is None
            and self._takes_any_status(adapter.max_retries)
            and _is_time(timeout)
            and not (proxies and self._select_proxy(request.url, proxies))
            and self._has_plain_pools(adapter.poolmanager)
            and self._is_untouched(adapter)
        )

    def _takes_any_status(self, retries: Any) -> bool:
        """Whether no answer would be tried again, or be refused for its status."""
        return (
            type(retries) is self._retry
            and retries.total in (0, False)
            and not retries.status_forcelist
        )

    def _has_plain_pools(self, manager: Any) -> bool:
        """Whether this manager would make pools of urllib3's own classes, in its own way."""
        return (
            type(manager) is self._manager
            and manager.pool_classes_by_scheme == self._pool_classes
            and vars(manager).keys().isdisjoint(_MANAGER)
        )

    def _is_untouched(self, adapter: Any) -> bool:
        """Whether nothing on the way that is left out has been replaced or wants to be told."""
        return (
            _members(type(adapter), _ADAPTER) == self._own
            and vars(adapter).keys().isdisjoint(_ADAPTER)
            and all(
                _members(owner, names) == original
                for (owner, names), original in zip(self._watched, self._original, strict=True)
            )
            and not self._log.isEnabledFor(logging.DEBUG)
            and not any(cls.debuglevel for cls in self._connections.values())
        )


def _is_there(verify: Any) -> bool:
    """Whether a bundle of certificates, if it is one, would be found."""
    return type(verify) is str and os.path.exists(verify)


def _is_time(timeout: Any) -> bool:
    """Whether a timeout is one that urllib3 takes without a word."""
    if isinstance(timeout, tuple):
        return len(timeout) == 2 and all(map(_is_time, timeout))  # noqa: PLR2004
    return timeout is None or (type(timeout) in (int, float) and timeout > 0)


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``requests.adapters``; returns the version of requests."""
    version = str(getattr(sys.modules.get("requests.__version__"), "__version__", "unknown"))
    connections = sys.modules.get("urllib3.connection")
    if not hasattr(connections, "_ResponseOptions") or not engine.answers:
        return version  # urllib3 1.26, whose connections are built otherwise, or nothing to answer
    try:
        seam = RequestsSeam(module, engine)
    except (AttributeError, KeyError):
        return version  # a release that is built otherwise: all its requests take the long way
    original = module.HTTPAdapter.send

    @functools.wraps(original)
    def send(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        if not args and (response := seam.answer(self, request, options)) is not None:
            return response
        return original(self, request, *args, **options)

    module.HTTPAdapter.send = send
    return version
