"""Calls in a process of their own: ``calls.py CLIENT TRANSPORT URL COUNT DISTINCT [PROCESSES]``.

TRANSPORT is ``wire`` for whatever the surroundings answer (a server, or recordbake), ``dict`` for a
transport that answers from a dictionary (the least that the client itself costs), ``look-up`` for the
same that asks the recording first and lets the answer go (the least that a hook can cost), ``file:PATH`` for
one that hands out a file, or a peer with its recording, ``vcrpy:PATH``. Prints one JSON object:
seconds of wall and CPU time of the first call and the mean of the rest.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import statistics
import subprocess
import sys
import time

HEADERS = {
    "Server": "bench",
    "Date": "Sat, 21 Nov 2026 10:00:00 GMT",
    "Content-Type": "text/plain; charset=utf-8",
    "ETag": '"1"',
    "Cache-Control": "max-age=60",
}


SENT = [
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept", "*/*"),
    ("Connection", "keep-alive"),
    ("User-Agent", "bench"),
]


class _Answers(dict):
    """URL -> body, made at first use and kept."""

    def __missing__(self, url):
        self[url] = b"x" * int(url.split("/")[3])
        return self[url]


ANSWERS = _Answers()


def _headers(size):
    return HEADERS | {"Content-Length": str(size)}


@functools.cache
def _engine():
    from _recordbake_guest import engine, events, handover

    return engine.Engine.from_settings(handover.SETTINGS, events.Journal(handover.SETTINGS))


def _look_up(url):
    from _recordbake_guest.exchange import Request

    assert _engine().answer(Request("GET", url, SENT, b"", "bench")), url


def _body(transport, url):
    """A file of bytes and its size."""
    if transport == "look-up":
        _look_up(url)
    if transport.startswith("file:"):
        path = transport.partition(":")[2]
        return open(path, "rb"), os.path.getsize(path)  # closed by the response
    return io.BytesIO(ANSWERS[url]), len(ANSWERS[url])


def with_requests(transport, session=False):
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse

    if transport != "wire":

        class FromDict(HTTPAdapter):
            def send(self, request, *_, **__):
                body, size = _body(transport, request.url)
                raw = HTTPResponse(
                    body, _headers(size), 200, reason="OK", preload_content=False,
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
    if transport != "wire":

        class FromDict(urllib3.connection.HTTPConnection):
            def request(self, method, url, *_, preload_content=True, **__):
                self.asked = url, preload_content

            def getresponse(self):
                url, preload = self.asked
                body, size = _body(transport, f"http://{self.host}:{self.port}{url}")
                return urllib3.HTTPResponse(
                    body, _headers(size), 200, reason="OK", version=11, preload_content=preload,
                    request_method="GET", request_url=url,
                )  # fmt: skip

        urllib3.HTTPConnectionPool.ConnectionCls = FromDict

    def call(url):
        return len(pool.request("GET", url).data)

    return call


def with_httpx(transport, name="httpx"):
    module = __import__(name)

    class FromDict(module.BaseTransport):
        def handle_request(self, request):
            body, size = _body(transport, str(request.url))
            with body:
                stream = module.ByteStream(body.read())
            return module.Response(200, headers=_headers(size), stream=stream)

    client = module.Client(transport=None if transport == "wire" else FromDict())

    def call(url):
        return len(client.get(url).content)

    return call


def with_aiohttp(_transport):
    import asyncio

    import aiohttp

    loop = asyncio.new_event_loop()

    async def start():
        return aiohttp.ClientSession()

    async def fetch(url):
        async with session.get(url) as response:
            return len(await response.read())

    session = loop.run_until_complete(start())
    return lambda url: loop.run_until_complete(fetch(url))


def with_requests_stream(_transport):
    import requests

    def call(url):
        with requests.get(url, stream=True) as response:
            return sum(map(len, response.iter_content(1 << 16)))

    return call


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
    "requests-stream": with_requests_stream,
}


def _peer(name, path):
    """Surround the calls with a peer's own recording; a first run makes it."""
    if name == "vcrpy":
        import vcr

        return vcr.VCR(record_mode="once").use_cassette(path + ".yaml")
    import cassetter

    return cassetter.use_cassette(path + ".yaml")


def _with_requests_cache(path):
    import requests_cache

    session = requests_cache.CachedSession(path, backend="sqlite")
    return lambda url: len(session.get(url).content)


def measure(client, transport, base, count, distinct):
    name, _, path = transport.partition(":")
    surrounding = contextlib.nullcontext()
    if name == "requests-cache":
        call = _with_requests_cache(path)
    elif name in ("vcrpy", "cassetter"):
        surrounding = _peer(name, path)
        call = CLIENTS[client]("wire")
    else:
        call = CLIENTS[client](transport)
    walls, cpus = [], []
    with surrounding:
        for n in range(count):
            url = f"{base}/{n % distinct}"
            wall, cpu = time.perf_counter(), time.process_time()
            call(url)
            cpus.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
    rest = slice(1, None) if count > 1 else slice(None)
    return {
        "first_wall": walls[0],
        "first_cpu": cpus[0],
        "wall": statistics.fmean(walls[rest]),
        "cpu": statistics.fmean(cpus[rest]),
    }


def main(client, transport, base, count, distinct, processes=1):
    if processes == 1:
        print(json.dumps(measure(client, transport, base, count, distinct)))
        return
    command = [sys.executable, __file__, client, transport]
    started = [
        subprocess.Popen([*command, f"{base}/{n}", str(count), str(distinct)])
        for n in range(processes)
    ]
    sys.exit(max(process.wait() for process in started))


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
