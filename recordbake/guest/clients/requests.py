"""requests: hits are answered where it hands a request to urllib3.

Only what needs nothing of urllib3's pools: no proxies, no client certificate, no retries, nothing
replaced by a test. The rest, misses included, goes on to urllib3, whose seam decides.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from contextlib import suppress
from operator import attrgetter

from ..patterns import Pattern
from . import requests_repeats
from .answer_files import begun
from .http_client import HttpClientSeam
from .ready import PLAIN_TARGET, is_time, plain_request, put_answer, watch
from .urllib3_ready import maker

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Take

_ORIGIN = Pattern(r"(https?)://([a-z0-9.-]+)(?::[0-9]+)?(?=/)")
#: What a subclass or a test may replace, and would notice to be passed by.
_ADAPTER = (
    "add_headers", "build_connection_pool_key_attributes", "build_response", "cert_verify",
    "get_connection", "get_connection_with_tls_context", "request_url",
)  # fmt: skip
_POOL = (
    "urlopen", "_make_request", "_get_conn", "_get_timeout", "_put_conn", "_new_conn",
    "_validate_conn", "ConnectionCls",
)  # fmt: skip
_MANAGER = (
    "_merge_pool_kwargs", "connection_from_context", "connection_from_host",
    "connection_from_pool_key", "connection_from_url",
)  # fmt: skip
_CONNECTION = ("connect", "request", "getresponse", "putrequest", "putheader", "endheaders", "send")


def _there(owner: Any, names: tuple[str, ...]) -> list[str]:
    """Names of members, without those that this release does not have."""
    return [name for name in names if hasattr(owner, name)]


class RequestsSeam:
    """Answers for ``requests.adapters``.

    Args:
        module: ``requests.adapters``.
        engine: decides.
    """

    def __init__(self, module: ModuleType, engine: Engine) -> None:
        self.engine = engine
        pools = sys.modules["urllib3.connectionpool"]
        base, response = sys.modules["http.client"], sys.modules["urllib3.response"]
        self._adapter = module.HTTPAdapter
        managers = sys.modules["urllib3.poolmanager"]
        self._manager = managers.PoolManager
        self._pool_classes = dict(managers.pool_classes_by_scheme)
        self._retry = module.Retry
        self._select_proxy = module.select_proxy
        self._refused, self._invalid = module._InvalidHeader, module.InvalidHeader
        self._log: logging.Logger = pools.log
        self._connections = {"http": pools.HTTPConnection, "https": pools.HTTPSConnection}
        self._seam = HttpClientSeam(engine, pools.HTTPConnection.connect)
        self._options_class = sys.modules["urllib3.connection"]._ResponseOptions
        self._make = maker()
        self._base: Any = base
        self._most_headers = base._MAXHEADERS
        self._own = attrgetter(*_there(self._adapter, _ADAPTER))
        self._own_members = self._own(self._adapter)
        watched = [
            (module, ("TimeoutSauce", "_urllib3_request_context", "select_proxy")),
            (sys.modules["requests.models"].PreparedRequest, ("path_url",)),
            (self._retry, ("_is_method_retryable", "increment", "is_retry")),
            (pools, ("Timeout", "set_file_position")),
            (self._manager, _MANAGER),
            (pools.HTTPConnectionPool, _POOL),
            (pools.HTTPSConnectionPool, _POOL),
            (pools.HTTPConnection, _CONNECTION),
            (pools.HTTPSConnection, _CONNECTION),
            (base.HTTPConnection, _CONNECTION),
            (base.HTTPResponse, ("__init__", "begin", "_read_status", "_check_close")),
            (response.HTTPResponse, ("__init__",)),
        ]
        self._are_own = watch(*[(owner, _there(owner, names)) for owner, names in watched])

    def answer(self, adapter: Any, request: Any, options: Any) -> Any:
        """The response of a hit, or None: the request has to go the whole way."""
        match = _ORIGIN.match(request.url)
        if match is None or not PLAIN_TARGET.fullmatch(request.url, match.end()):
            return None
        if not self._is_plain(adapter, request, **options):
            return None
        asked = plain_request(request.method, request.url, request.headers, request.body)
        take = None if asked is None else self.engine.answer(asked)
        if take is None:
            return None
        target = request.url[match.end() :]
        options = self._options_class(
            request_method=request.method,
            request_url=request.path_url if target.endswith("?") else target,
            preload_content=False,
            decode_content=False,
            enforce_content_length=True,
        )
        try:
            response = self._response(match, take, request, options)
        except self._refused as error:  # as HTTPAdapter.send says it
            raise self._invalid(error, request=request)  # noqa: B904  # nor has that a cause
        response.retries = adapter.max_retries
        made = adapter.build_response(request, response)
        if take.body is None:
            from . import requests_large

            requests_large.note(made, take)
        return made

    def _response(self, origin: re.Match[str], take: Take, request: Any, options: Any) -> Any:
        """urllib3's response; raises urllib3's ``InvalidHeader`` for lengths that differ."""
        answer = begun(take, request.method)
        if answer is None:
            return self._through(origin.group(1), origin.group(2), take, request, options)
        assert take.head is not None
        return self._make(answer, take.head.headers, options, "HTTP/1.1", _no_socket)

    def _through(self, scheme: str, host: str, take: Take, request: Any, options: Any) -> Any:
        """The response read from a connection, of a head that only its parser understands."""
        from .deferred_socket import DeferredSocket

        connection = self._connections[scheme](host)
        connection.sock = DeferredSocket(connection, self._seam)
        connection._response_options = options
        put_answer(connection, take, request.method)
        response = connection.getresponse()
        connection.sock = None  # they hold each other, and the collector would have to part them
        return response

    def _is_plain(  # noqa: PLR0913
        self, adapter: Any, request: Any, *, timeout: Any = None, verify: Any = True,
        cert: Any = None, proxies: Any = None, **_: Any,
    ) -> bool:  # fmt: skip
        return (
            (verify is True or request.url.startswith("http:") or _is_there(verify))
            and cert is None
            and self._takes_any_status(adapter.max_retries)
            and (is_time(timeout) or _are_times(timeout))
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
            self._own(type(adapter)) == self._own_members
            and vars(adapter).keys().isdisjoint(_ADAPTER)
            and self._are_own()
            and not self._log.isEnabledFor(logging.DEBUG)
            and self._most_headers <= self._base._MAXHEADERS  # less would be an error of urllib3's
            and not any(cls.debuglevel for cls in self._connections.values())
        )


def _no_socket(how: int) -> None:
    """What urllib3 calls to shut a response's socket down."""


def _is_there(verify: Any) -> bool:
    """Whether a bundle of certificates, if it is one, would be found."""
    return type(verify) is str and os.path.exists(verify)


def _are_times(timeout: Any) -> bool:
    """Whether a timeout is two, for connecting and reading."""
    return isinstance(timeout, tuple) and len(timeout) == 2 and all(map(is_time, timeout))  # noqa: PLR2004


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``requests.adapters``; returns the version of requests."""
    version = str(getattr(sys.modules.get("requests.__version__"), "__version__", "unknown"))
    with suppress(AttributeError, KeyError):  # a release that is built otherwise repeats it all
        requests_repeats.install(module)
    connections = sys.modules.get("urllib3.connection")
    if not hasattr(connections, "_ResponseOptions") or not engine.answers:
        return version  # urllib3 1.26, whose connections are built otherwise; or nothing to answer
    try:
        seam = RequestsSeam(module, engine)
    except (AttributeError, KeyError):
        return version  # as above: all its requests take the long way
    original = module.HTTPAdapter.send

    @functools.wraps(original)
    def send(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        if not args and (response := seam.answer(self, request, options)) is not None:
            return response
        return original(self, request, *args, **options)

    module.HTTPAdapter.send = send
    return version
