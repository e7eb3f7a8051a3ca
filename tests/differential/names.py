"""What programs can use, for each client: a session, classes of a suite's own, and short names."""

from __future__ import annotations

import asyncio
import http.cookiejar as jars
from collections import OrderedDict
from decimal import Decimal
from http.cookies import SimpleCookie
from importlib import import_module
from urllib.request import urlopen

from tests.differential.interpreter import PORT, calls


class Str(str):
    """A text of another class."""

    __slots__ = ()


class Own(dict):
    """A mapping that tells of other items than it has."""

    def items(self):
        return [("own", 1)]


def _generated():
    yield b"g1"
    yield b"g2"


COMMON = {
    "Str": Str, "Own": Own, "Decimal": Decimal, "OrderedDict": OrderedDict, "jars": jars,
    "SimpleCookie": SimpleCookie, "urlopen": urlopen, "gen": _generated, "r": None,
}  # fmt: skip


def requests(base):
    """For ``requests``."""
    import requests
    import urllib3

    class MySession(requests.Session):
        def send(self, request, **kwargs):
            calls.append("my session")
            return super().send(request, **kwargs)

    class MyAdapter(requests.adapters.HTTPAdapter):
        def send(self, *args, **kwargs):
            calls.append("my adapter")
            return super().send(*args, **kwargs)

    class KeyAdapter(requests.adapters.HTTPAdapter):
        def build_connection_pool_key_attributes(self, *args, **kwargs):
            calls.append("key")
            return super().build_connection_pool_key_attributes(*args, **kwargs)

    class MyTimeout(urllib3.Timeout):
        def __init__(self, *args, **kwargs):
            calls.append("timeout")
            super().__init__(*args, **kwargs)

    class Auth(requests.auth.AuthBase):
        def __call__(self, request):
            request.headers["X-Auth"] = "1"
            return request

    def hook(response, **kwargs):
        calls.append(["hook", response.status_code, sorted(kwargs)])

    def raiser(response, **kwargs):
        raise ZeroDivisionError("hook")

    def attributes(r):
        return [
            r.status_code, r.reason, r.url, r.headers, r.encoding, r.ok, r.cookies, r.request,
            [h.url for h in r.history], type(r.raw).__name__, r.elapsed, r._content_consumed,
            type(r).__name__, r._next and r._next.url, sorted(vars(r)),
        ]  # fmt: skip

    def raw(r):
        w = r.raw
        return [
            w.status, w.reason, w.version, w.headers, w.closed, w.tell(), w.length_remaining,
            w.chunked, w.retries, w._request_url, w._body is None, w._decoder is None,
            w._original_response.msg.items(), w._original_response.isclosed(), w._fp.will_close,
        ]  # fmt: skip

    jar = requests.cookies.RequestsCookieJar()
    jar.set("j", "1", domain=base[7:].partition(":")[0], path="/")
    fields = requests.structures.CaseInsensitiveDict({"X-Cased": "1"})
    return COMMON | locals() | {"s": requests.Session(), "end": lambda names: names["s"].close()}


def urllib3(base):
    """For ``urllib3``."""
    import urllib3
    from urllib3.util import Retry

    class MyManager(urllib3.PoolManager):
        def urlopen(self, *args, **kwargs):
            calls.append("my manager")
            return super().urlopen(*args, **kwargs)

    class MyPool(urllib3.HTTPConnectionPool):
        def urlopen(self, *args, **kwargs):
            calls.append("my pool")
            return super().urlopen(*args, **kwargs)

    class MyRetry(Retry):
        def increment(self, *args, **kwargs):
            calls.append("increment")
            return super().increment(*args, **kwargs)

    fields = urllib3.HTTPHeaderDict([("X-A", "1"), ("x-a", "2")])
    own = urllib3.HTTPConnectionPool(base[7:].partition(":")[0], PORT)

    def attributes(r):
        return [
            r.status, r.reason, r.version, r.headers, r.closed, r.tell(), r.length_remaining,
            r.chunked, r.retries, r.retries and [tuple(h) for h in r.retries.history], r.geturl(),
            r._connection is None, r._pool is None, r._body is None, r.isclosed(), r._request_url,
            sorted(vars(r)),
        ]  # fmt: skip

    def pools(p):
        return [
            [k.key_host, x.num_connections, x.num_requests] for k, x in p.pools._container.items()
        ]

    return COMMON | locals() | {"p": urllib3.PoolManager(), "end": lambda names: names["p"].clear()}


def _httpx(name, base, is_async):  # noqa: C901  # one name after another
    module = import_module(name)
    loop = asyncio.new_event_loop() if is_async else None
    client, transport = (
        (module.AsyncClient, module.AsyncHTTPTransport)
        if is_async
        else (module.Client, module.HTTPTransport)
    )

    def run(value):
        awaited = loop is not None and hasattr(value, "__await__")
        return loop.run_until_complete(value) if awaited else value

    async def _async_list(pieces, most):
        found = []
        async for piece in pieces:
            found.append(piece)
            if len(found) == most:
                break
        return found

    def read(response, method, *args, most=None):
        """What a method of a response gives, by the name that it has when it is synchronous."""
        method = getattr(response, f"a{method}" if is_async else method)(*args)
        if hasattr(method, "__aiter__"):
            return run(_async_list(method, most))
        if hasattr(method, "__next__"):
            return [piece for piece, _ in zip(method, range(most or 10**6), strict=False)]
        return run(method)

    class Auth(module.Auth):
        requires_response_body = True

        def auth_flow(self, request):
            request.headers["X-Auth"] = "1"
            response = yield request
            calls.append(["auth", response.status_code, len(response.content)])

    if is_async:

        class MyTransport(transport):
            async def handle_async_request(self, request):
                calls.append("my transport")
                return await super().handle_async_request(request)

        async def hook(what):
            calls.append(["hook", type(what).__name__])

        async def gen():
            yield b"g1"
            yield b"g2"
    else:

        class MyTransport(transport):
            def handle_request(self, request):
                calls.append("my transport")
                return super().handle_request(request)

        def hook(what):
            calls.append(["hook", type(what).__name__])

        gen = _generated

    def attributes(r):
        told = {k: v for k, v in r.extensions.items() if k not in ("network_stream", "stream_id")}
        return [
            r.status_code, r.reason_phrase, r.http_version, r.url, r.headers, r.encoding,
            r.is_closed, r.is_stream_consumed, r.num_bytes_downloaded, [h.url for h in r.history],
            told, r.request, r.next_request, sorted(set(vars(r)) - {"_elapsed"}),
        ]  # fmt: skip

    def mock():
        return module.MockTransport(lambda _: module.Response(299, text="mock"))

    fields = module.Headers([("X-A", "1"), ("x-a", "2")])
    jar = module.Cookies()
    jar.set("j", "1", domain=base[7:].partition(":")[0])
    names = COMMON | locals() | {"httpx": module, "s": client(), "is_async": is_async}
    return names | {"end": lambda given: (read(given["s"], "close"), loop and loop.close())}


def httpx(base):
    """For ``httpx.Client``."""
    return _httpx("httpx", base, is_async=False)


def httpx2(base):
    """For ``httpx2.Client``."""
    return _httpx("httpx2", base, is_async=False)


def of_async_httpx(base):
    """For ``httpx.AsyncClient``."""
    return _httpx("httpx", base, is_async=True)


def of_async_httpx2(base):
    """For ``httpx2.AsyncClient``."""
    return _httpx("httpx2", base, is_async=True)
