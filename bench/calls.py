"""Calls in a process of their own: ``python calls.py CLIENT TRANSPORT URL COUNT DISTINCT``.

TRANSPORT is ``wire`` for whatever the surroundings answer (a server, or recordbake), or ``dict``
for a transport that answers the same from a dictionary: the least that the client itself costs.
Prints one JSON object: seconds of wall and CPU time of the first call and the median of the rest.
"""

from __future__ import annotations

import io
import json
import resource
import statistics
import sys
import time

HEADERS = {
    "Server": "bench",
    "Date": "Sat, 21 Nov 2026 10:00:00 GMT",
    "Content-Type": "text/plain; charset=utf-8",
    "ETag": '"1"',
    "Cache-Control": "max-age=60",
}


class _Answers(dict):
    """URL -> body, made at first use and kept."""

    def __missing__(self, url):
        self[url] = b"x" * int(url.split("/")[3])
        return self[url]


ANSWERS = _Answers()


def _headers(body):
    return HEADERS | {"Content-Length": str(len(body))}


def with_requests(transport, session=False):
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse

    if transport == "dict":

        class FromDict(HTTPAdapter):
            def send(self, request, *_, **__):
                body = ANSWERS[request.url]
                raw = HTTPResponse(
                    io.BytesIO(body), _headers(body), 200, reason="OK", preload_content=False,
                    decode_content=False,
                )  # fmt: skip
                return self.build_response(request, raw)

        requests.adapters.HTTPAdapter = requests.sessions.HTTPAdapter = FromDict
    get = requests.Session().get if session else requests.get

    def call(url):
        return len(get(url).content)

    return call


def with_urllib3(transport):
    import urllib3

    pool = urllib3.PoolManager()
    if transport == "dict":

        class FromDict(urllib3.HTTPConnectionPool):
            def urlopen(self, method, url, *_, preload_content=True, **__):
                body = ANSWERS[f"{self.scheme}://{self.host}:{self.port}{url}"]
                return urllib3.HTTPResponse(
                    io.BytesIO(body), _headers(body), 200, reason="OK", request_method=method,
                    request_url=url, preload_content=preload_content,
                )  # fmt: skip

        pool.pool_classes_by_scheme = {"http": FromDict}

    def call(url):
        return len(pool.request("GET", url).data)

    return call


def with_httpx(transport, name="httpx"):
    module = __import__(name)

    class FromDict(module.BaseTransport):
        def handle_request(self, request):
            body = ANSWERS[str(request.url)]
            return module.Response(200, headers=_headers(body), stream=module.ByteStream(body))

    client = module.Client(transport=FromDict() if transport == "dict" else None)

    def call(url):
        return len(client.get(url).content)

    return call


def with_aiohttp(transport):
    import asyncio

    import aiohttp

    loop = asyncio.new_event_loop()

    async def fetch(url):
        async with session.get(url) as response:
            return len(await response.read())

    async def start():
        if transport != "dict":
            return aiohttp.ClientSession()
        from bench_aiohttp import FromDict  # not there yet: aiohttp has no transports to replace

        return FromDict(ANSWERS)

    session = loop.run_until_complete(start())
    return lambda url: loop.run_until_complete(fetch(url))


def with_urllib(_transport):
    import urllib.request

    def call(url):
        with urllib.request.urlopen(url) as response:
            return len(response.read())

    return call


CLIENTS = {
    "requests": with_requests,
    "requests-session": lambda transport: with_requests(transport, session=True),
    "urllib3": with_urllib3,
    "httpx": with_httpx,
    "httpx2": lambda transport: with_httpx(transport, "httpx2"),
    "aiohttp": with_aiohttp,
    "urllib": with_urllib,
}


def main(client: str, transport: str, base: str, count: int, distinct: int) -> None:
    call = CLIENTS[client](transport)
    walls, cpus = [], []
    for n in range(count):
        url = f"{base}/{n % distinct}"
        wall, cpu = time.perf_counter(), time.process_time()
        call(url)
        cpus.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    rest = slice(1, None) if count > 1 else slice(None)
    print(
        json.dumps(
            {
                "first_wall": walls[0],
                "first_cpu": cpus[0],
                "wall": statistics.median(walls[rest]),
                "cpu": statistics.median(cpus[rest]),
                "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
