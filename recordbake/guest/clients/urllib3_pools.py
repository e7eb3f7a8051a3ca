"""urllib3's shortest way to a hit: a pool that has a connection of ours at rest answers at once.

The connection is taken out of the pool and put back as always, and is left as it would be after the
request; what is left out is what urllib3's pool and connection do for one that may be slow, may be
lost, or may have to be tried again. Whatever is out of the ordinary, or replaced, goes the whole
way, which takes the answer from here if it was asked for already.
"""

from __future__ import annotations

import functools
import logging
import sys
from contextlib import suppress
from queue import Empty

from .answer_files import begun
from .connection import DEFERRED, url_of
from .ready import (
    PLAIN_TARGET,
    forget,
    hand_over,
    is_idle,
    is_time,
    plain_request,
    watch,
)  # fmt: skip
from .urllib3_managers import patch_managers, patch_parse_url
from .urllib3_ready import maker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Request, Take

CLIENT = "urllib3"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: What is passed by, and would be noticed by whoever has replaced it.
_POOL = (
    "_get_conn", "_get_timeout", "_make_request", "_put_conn", "_validate_conn", "is_same_host",
)  # fmt: skip
_CONNECTION = (
    "endheaders", "getresponse", "is_connected", "putheader", "putrequest", "request", "send",
)  # fmt: skip
_BASE = ("getresponse", "putheader", "putrequest")
_PARSER = ("__init__", "_check_close", "_read_status", "begin")
_RETRY = ("_is_method_retryable", "is_retry")
_POOLS = ("Retry", "Timeout", "is_connection_dropped", "log", "set_file_position")
_UNSET: Any = object()
#: Mappings whose ``copy`` has the same items in it, by module and name.
_COPIED = frozenset({
    ("urllib3._collections", "HTTPHeaderDict"), ("requests.structures", "CaseInsensitiveDict"),
})  # fmt: skip
#: Origins that are remembered by their connections' hosts.
_MOST = 1000


class Pools:
    """Answers for one class of pools, with its class of connections.

    Args:
        engine: decides.
        pool: ``HTTPConnectionPool`` or ``HTTPSConnectionPool``.
    """

    def __init__(self, engine: Engine, pool: Any) -> None:
        pools, http = sys.modules["urllib3.connectionpool"], sys.modules["http.client"]
        connections = sys.modules["urllib3.connection"]
        self._engine = engine
        self._connection = pool.ConnectionCls
        self._verified = pool.scheme == "https"
        self._timeout, self._retry = pools.Timeout, pools.Retry
        self._default = pools._DEFAULT_TIMEOUT
        self._queue = pool.QueueCls
        self._log: logging.Logger = pools.log
        self._told: logging.Logger = sys.modules["urllib3.util.retry"].log
        self._parser: Any = http.HTTPResponse
        self._options: Any = connections._ResponseOptions
        self._make = maker()
        self._origins: dict[Any, str] = {}
        self._are_own = watch(
            (pool, _POOL), (self._connection, _CONNECTION), (http.HTTPConnection, _BASE),
            (self._parser, _PARSER), (self._retry, _RETRY), (pools, _POOLS),
            (sys.modules["urllib3.response"].HTTPResponse, ("__init__",)),
        )  # fmt: skip

    def answer(  # noqa: PLR0913
        self, pool: Any, /, method: Any, url: Any, *, body: Any = None, headers: Any = None,
        retries: Any = None, redirect: Any = True, assert_same_host: Any = True,  # noqa: ARG002
        timeout: Any = _UNSET, pool_timeout: Any = None, release_conn: Any = None,  # noqa: ARG002
        chunked: Any = False, body_pos: Any = None, preload_content: Any = True,
        decode_content: Any = True, enforce_content_length: Any = True, **rest: Any,
    ) -> Any:  # fmt: skip
        """The response of a hit, as ``urlopen`` returns it, or None: it has to go the whole way."""
        retries, seconds = self._retries(pool, retries, redirect), self._seconds(pool, timeout)
        queue = pool.pool
        if (
            chunked or rest or body_pos is not None or seconds is _UNSET or retries is None
            or type(queue) is not self._queue or not self._is_untouched(pool, retries)
        ):  # fmt: skip
            return None
        try:
            connection = queue.get(block=False)
        except Empty:
            return None
        asked = response = None
        try:
            if self._is_at_rest(connection):
                headers = pool.headers if headers is None else headers
                asked = self._request(connection, method, url, headers, body)
            if asked is not None:
                options = self._options(
                    method, url, preload_content, decode_content, enforce_content_length
                )
                response = self._response(connection, asked, retries, redirect, options, seconds)
            if response is not None:
                pool.num_requests += 1
                response.retries = retries
                response._pool = pool
                if not (preload_content if release_conn is None else release_conn):
                    response._connection, connection = connection, _UNSET
        finally:
            if connection is not _UNSET:
                pool._put_conn(connection)
        return response

    def _response(  # noqa: PLR0913, PLR0917
        self, connection: Any, asked: Request, retries: Any, redirect: Any, options: Any,
        seconds: Any,
    ) -> Any:  # fmt: skip
        """The response of a hit that is the last one of its call; the connection as after it."""
        take, response, answer = self._engine.answer(asked), None, None
        if take is not None and _is_final(take, retries, redirect):
            answer = begun(take, asked.method)
        if answer is None or take is None or take.head is None:
            hand_over(asked, take)
            return None
        sock = connection.sock
        try:
            response = self._make(
                answer, take.head.headers, options, connection._http_vsn_str, sock.shutdown
            )
        except Exception:  # urllib3's own, of what the head says; it comes again
            hand_over(asked, take)
            return None
        connection.timeout = seconds
        sock.settimeout(seconds)
        connection._method = asked.method
        if answer.will_close:
            connection.close()
        else:
            connection._HTTPConnection__response = answer
        return response

    def _request(
        self, connection: Any, method: Any, url: Any, headers: Any, body: Any
    ) -> Request | None:
        """The request as it would be sent, or None where that takes urllib3's own code."""
        if type(method) is not str or type(url) is not str or not _is_copied(headers):
            return None
        if not PLAIN_TARGET.fullmatch(url):
            return None
        host = connection._dns_host, connection.port
        origin = self._origins.get(host)
        if origin is None:
            if len(self._origins) >= _MOST:
                self._origins.clear()
            origin = self._origins[host] = url_of(connection, "")
        return plain_request(method, origin + url, headers, body)

    def _retries(self, pool: Any, retries: Any, redirect: Any) -> Any:
        """What decides whether an answer is taken; None where that is not urllib3's own."""
        if retries is None:
            retries = pool.retries
        if type(retries) is not self._retry and not self._told.isEnabledFor(logging.DEBUG):
            retries = self._retry.from_int(retries, redirect=redirect)
        return retries if type(retries) is self._retry else None

    def _seconds(self, pool: Any, timeout: Any) -> Any:
        """Of a timeout, those for reading; ``_UNSET`` if urllib3 has to look at it."""
        if timeout is _UNSET or timeout is self._default:
            timeout = pool.timeout if type(pool.timeout) is self._timeout else _UNSET
        if type(timeout) is self._timeout:
            return _UNSET if timeout.total is not None else timeout.read_timeout
        return timeout if is_time(timeout) else _UNSET

    def _is_at_rest(self, connection: Any) -> bool:
        """Whether a connection of a pool is one of ours that waits."""
        return (
            type(connection) is self._connection
            and type(connection.sock) in DEFERRED
            and connection.sock.is_at_rest()
            and (connection.is_verified or not self._verified)
            and connection.response_class is self._parser
            and vars(connection).keys().isdisjoint(_CONNECTION)
            and is_idle(connection)
        )

    def _is_untouched(self, pool: Any, retries: Any) -> bool:
        """Whether nothing on the way that is left out has been replaced or wants to be told."""
        return (
            pool.proxy is None
            and not pool.proxy_headers
            and vars(pool).keys().isdisjoint(_POOL)
            and "is_retry" not in vars(retries)
            and self._are_own()
            and not self._log.isEnabledFor(logging.DEBUG)
        )


def _is_final(take: Take, retries: Any, redirect: Any) -> bool:
    """Whether an answer would neither be followed nor be asked for again."""
    status = take.head.status if take.head is not None else 0
    return not (
        (redirect and status in _REDIRECTS)
        or (retries.status_forcelist and status in retries.status_forcelist)
        or status in retries.RETRY_AFTER_STATUS_CODES
    )


def _is_copied(headers: Any) -> bool:
    """Whether urllib3 would find in a copy of a request's fields what is in them."""
    kind = type(headers)
    return kind is dict or (kind.__module__, kind.__name__) in _COPIED


def _patch_urlopen(module: ModuleType, engine: Engine) -> None:
    base = module.HTTPConnectionPool
    original = base.urlopen
    ways = {cls: Pools(engine, cls) for cls in (base, module.HTTPSConnectionPool)}

    @functools.wraps(original)
    def urlopen(self: Any, method: Any, url: Any, *args: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # pytest then shows the suite's own lines
        way = ways.get(type(self))
        if args or way is None:
            return original(self, method, url, *args, **options)
        response = way.answer(self, method, url, **options)
        if response is not None:
            return response
        try:
            return original(self, method, url, **options)
        finally:
            forget()

    base.urlopen = urlopen


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``urllib3.poolmanager`` and the pools; returns urllib3's version."""
    version = sys.modules.get("urllib3._version")
    if engine.answers and hasattr(sys.modules["urllib3.connection"], "_ResponseOptions"):
        with suppress(AttributeError, KeyError):  # built otherwise: all takes the long way
            _patch_urlopen(sys.modules["urllib3.connectionpool"], engine)
            patch_parse_url(module)
            patch_managers(module)
    return str(getattr(version, "__version__", "unknown"))
