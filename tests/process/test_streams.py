"""Streams: passed through while recorded, in bounded memory, whether they end or not."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from tests.process.test_hook import record_then_replay
from tests.support.cli import alone, recordbake
from tests.support.origin import Origin

if TYPE_CHECKING:
    import socket

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HUGE = 200_000_000


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class StreamOrigin(Origin):
    """Streams that go on only once their reader has shown that it got the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = threading.Event()

    def _answer(self, connection: socket.socket, method, target, headers, body) -> bool:
        if target == "/seen":
            self._seen.set()
        if target == "/events":
            connection.sendall(CHUNKED + chunk(b"data: 1\n\n"))
            passed = self._seen.wait(20)
            self._seen.clear()
            second = b"data: %s\n\n" % (b"2" if passed else b"held back")
            connection.sendall(chunk(second) + b"0\r\n\r\n")
            return True
        if target == "/poll":
            self._seen.wait(20)
            self._seen.clear()
        if target == "/endless":
            connection.sendall(CHUNKED)
            while not self._stop.wait(0.01):
                connection.sendall(chunk(b"data: tick\n\n"))
            return False
        if target.startswith("/silent?"):
            os.kill(int(target.partition("?")[2]), signal.SIGALRM)
            self._stop.wait(20)
            return False
        if target == "/huge":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
            piece = bytes(100_000)
            for _ in range(HUGE // len(piece)):
                connection.sendall(piece)
            return True
        return super()._answer(connection, method, target, headers, body)


def program(tmp_path, code):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(code))
    return [sys.executable, str(path)]


def three_times(tmp_path, code, *options):
    """What a program prints live, recording, and in a strict replay with the server gone."""
    command = program(tmp_path, code)
    with StreamOrigin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        live = alone(command, tmp_path, env)
        recorded = recordbake(
            "record", *options, "--", *command, cwd=tmp_path, env=env, timeout=120
        )
    assert recorded.returncode == 0, recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env, timeout=120)
    assert replayed.returncode == 0, replayed.stderr
    return live, recorded.stdout, replayed.stdout


def events(tmp_path, mode):
    (journal,) = tmp_path.glob(f".recordbake/runs/*-{mode}-*/http_log.ndjson")
    found = map(json.loads, journal.read_text().splitlines())
    return [event for event in found if event["event"] == "request"]


#: Client -> code that defines ``lines(url)``, which yields lines as they come.
LINES = {
    "requests": """
        import os, requests
        def lines(url):
            with requests.get(url, stream=True) as r:
                yield from r.iter_lines(chunk_size=1)
        """,
    "urllib.request": """
        import os, urllib.request
        def lines(url):
            with urllib.request.urlopen(url) as r:
                yield from r
        """,
    "httpx": """
        import os, httpx
        def lines(url):
            with httpx.stream("GET", url) as r:
                yield from (line.encode() for line in r.iter_lines())
        """,
    "aiohttp": """
        import asyncio, os, aiohttp
        def lines(url):
            loop = asyncio.new_event_loop()
            session = loop.run_until_complete(opened())
            try:
                r = loop.run_until_complete(session.get(url))
                while line := loop.run_until_complete(r.content.readline()):
                    yield line
            finally:
                loop.run_until_complete(session.close())
                loop.close()
        async def opened():
            return aiohttp.ClientSession()
        """,
}


def with_lines(client, code):
    return textwrap.dedent(LINES[client]) + textwrap.dedent(code)


@pytest.mark.parametrize("client", LINES)
def test_events_reach_their_reader_while_they_are_recorded(tmp_path, client):
    code = with_lines(client, """
        import urllib.request
        url = os.environ["ORIGIN"]
        for line in lines(url + "/events"):
            if line.strip():
                print(line.strip().decode())
            if line.strip() == b"data: 1":
                urllib.request.urlopen(url + "/seen").read()
        """)  # fmt: skip
    assert three_times(tmp_path, code) == ("data: 1\ndata: 2\n",) * 3
    assert all("error" not in event for event in events(tmp_path, "record"))


@pytest.mark.parametrize("client", LINES)
def test_a_stream_that_never_ends_is_kept_as_far_as_it_was_read(tmp_path, client):
    code = with_lines(client, """
        from itertools import islice
        ticks = lines(os.environ["ORIGIN"] + "/endless")
        print([line.strip() for line in islice(ticks, 5)])
        ticks.close()
        """)  # fmt: skip
    tick = b"data: tick"
    expected = f"{[tick, b'', tick, b'', tick]}\n"
    assert three_times(tmp_path, code) == (expected,) * 3
    (event,) = events(tmp_path, "record")
    assert event["error"]["kind"] == "partial"
    assert "closed by the caller" in event["error"]["message"]


@pytest.mark.parametrize("client", LINES)
def test_what_a_signal_interrupts_before_its_response_is_not_told_as_stored(tmp_path, client):
    code = with_lines(client, """
        import signal
        def interrupt(number, frame):
            raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        try:
            next(lines(f"{os.environ['ORIGIN']}/silent?{os.getpid()}"))
        except KeyboardInterrupt:
            print("interrupted")
        """)  # fmt: skip
    with StreamOrigin() as origin:
        environ = CAPTURE | {"ORIGIN": origin.url}
        result = recordbake("record", "--", sys.executable, "-c", code, cwd=tmp_path, env=environ)
    assert (result.returncode, result.stdout) == (0, "interrupted\n"), result.stderr
    (event,) = events(tmp_path, "record")
    assert (event["outcome"], event["error"]["phase"]) == ("failed", "head")


def test_a_long_poll_waits_for_what_another_thread_does(tmp_path):
    code = """
        import os, requests, threading
        url = os.environ["ORIGIN"]
        poll = threading.Thread(target=lambda: print(requests.get(url + "/poll").text))
        poll.start()
        requests.get(url + "/seen")
        poll.join()
        """
    assert three_times(tmp_path, code) == ("/poll\n",) * 3


READ_HUGE = {
    "requests": """
        import requests
        with requests.get(url, stream=True) as r:
            total = sum(len(piece) for piece in r.iter_content(65536))
        """,
    "httpx": """
        import httpx
        with httpx.stream("GET", url) as r:
            total = sum(len(piece) for piece in r.iter_bytes())
        """,
    "aiohttp": """
        import aiohttp, asyncio
        async def read():
            async with aiohttp.ClientSession() as session, session.get(url) as r:
                return sum([len(piece) async for piece in r.content.iter_any()])
        total = asyncio.run(read())
        """,
}


@pytest.mark.parametrize("client", READ_HUGE)
def test_a_body_of_200_megabytes_takes_no_more_memory_than_live(tmp_path, client):
    code = (
        "import os, resource\nurl = os.environ['ORIGIN'] + '/huge'\n"
        + textwrap.dedent(READ_HUGE[client])
        + "print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    runs = [tuple(map(int, out.split())) for out in three_times(tmp_path, code)]
    assert [size for size, _ in runs] == [HUGE] * 3
    live, recorded, replayed = (peak for _, peak in runs)
    assert recorded < live * 1.5
    assert replayed < live * 1.5


LARGE_READS = """
import asyncio, os, {client} as httpx
url = os.environ["ORIGIN"] + "/large"
found = []
def note(pieces, r):
    found.append([max(map(len, pieces)) <= 65536, len(pieces) > 1, len(b"".join(pieces))])
    found.append([r.num_bytes_downloaded, r.is_closed, sorted(vars(r))])
async def main():
    async with httpx.AsyncClient() as client:
        found.append(len((await client.get(url)).content))
        async with client.stream("GET", url) as r:
            note([piece async for piece in r.aiter_raw()], r)
with httpx.Client() as client:
    found.append(len(client.get(url).content))
    with client.stream("GET", url) as r:
        note(list(r.iter_raw()), r)
    with client.stream("GET", url) as r:
        found.append([len(r.read()), r.num_bytes_downloaded, len(list(r.iter_bytes()))])
asyncio.run(main())
print(found)
"""


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_a_large_body_is_in_pieces_for_those_who_iterate(tmp_path, client):
    live, recorded, replayed = three_times(tmp_path, LARGE_READS.format(client=client))
    assert live == recorded == replayed


PROFILE = """
reads = []
def profile(frame, event, _):
    code = frame.f_code
    own = code.co_filename.endswith("urllib3/response.py")
    if event == "call" and code.co_name == "read" and own:
        reads.append(1)
"""
REQUESTS_READS = """
import io, os, pickle, requests, sys, urllib3.response
from unittest import mock
{PROFILE}
url = os.environ["ORIGIN"] + "/large"  # "?left": what is not read is another answer
found, session = [], requests.Session()
def note(r, *more):
    raw = r.raw
    found.append([len(r.content), r.content is r.content, r._content_consumed, raw.tell(), *more])
    found.append([raw.closed, raw.length_remaining, raw.read(), raw._original_response.isclosed()])
note(session.get(url))
note(session.get(url, stream=True))
with session.get(url, stream=True) as r:
    found.append([max(map(len, r.iter_content(4096))), r.raw.tell()])
    try:
        r.content
    except RuntimeError as error:
        found.append(str(error))
with session.get(url, stream=True) as r:
    note(r, len(r.raw.read(1000)))
r = session.get(url + "?left", stream=True)
r.raw = io.BytesIO(b"own")
found.append(r.content)
r = session.get(url, stream=True)
found.append(r.__bool__() and len(pickle.loads(pickle.dumps(r)).content))
def counted(owner, name):
    calls, original = [], getattr(owner, name)
    def call(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)
    with mock.patch.object(owner, name, call):
        session.get(url)
    return len(calls)
raw = urllib3.response.HTTPResponse
found += [counted(requests.Response, "iter_content"), counted(raw, "read"), counted(raw, "stream")]
with mock.patch.object(requests.models, "CONTENT_CHUNK_SIZE", 1 << 19):
    sys.setprofile(profile)
    session.get(url)
    sys.setprofile(None)
found.append(len(reads))
with mock.patch.object(requests.Response, "content", b"own"):
    found.append(session.get(url + "?left").content)
note(session.get(url))
found.append(requests.Response.content.__doc__)
print(found)
"""


def test_a_large_body_through_requests_is_as_live_however_it_is_read(tmp_path):
    live, recorded, replayed = three_times(tmp_path, REQUESTS_READS.replace("{PROFILE}", PROFILE))
    assert live == recorded == replayed


REQUESTS_COUNTED = """
import sys, requests
{PROFILE}
counts = []
with requests.Session() as session:
    for _ in range(2):
        reads.clear()
        sys.setprofile(profile)
        size = len(session.get(sys.argv[1]).content)
        sys.setprofile(None)
        counts.append(len(reads))
print(size, min(counts), max(counts))
"""


def test_requests_reads_a_large_body_at_once(tmp_path):
    with Origin() as origin:
        code = REQUESTS_COUNTED.replace("{PROFILE}", PROFILE)
        command = [sys.executable, "-c", code, origin.url + "/large"]
        recorded, replayed = record_then_replay(tmp_path, origin, command)
    (size, pieces, _), (same, _, reads) = recorded.stdout.split(), replayed.stdout.split()
    assert size == same
    assert int(pieces) > 20
    assert int(reads) <= 2


COLLECTED = {
    "requests": """
session = requests.Session()
def ask(path):
    return len(session.get(base + path).content)
""",
    "httpx": """
client = httpx.Client()
def ask(path):
    return len(client.get(base + path).content)
""",
    "httpx, async": """
import asyncio
loop, client = asyncio.new_event_loop(), httpx.AsyncClient()
async def asked(path):
    return len((await client.get(base + path)).content)
def ask(path):
    return loop.run_until_complete(asked(path))
""",
}
COUNTED = """
import gc, sys, {}
base = sys.argv[1]
{}
paths = "/text", "/large", "/chunked"
first = [ask(path) for path in paths]
gc.collect()
gc.disable()
print(first == [ask(path) for path in paths], gc.collect())
"""


@pytest.mark.parametrize("client", COLLECTED)
def test_what_was_read_is_freed_without_pythons_collector(tmp_path, client):
    code = COUNTED.format(client.partition(",")[0], COLLECTED[client])
    with Origin() as origin:
        command = [sys.executable, "-c", code, origin.url]
        runs = record_then_replay(tmp_path, origin, command)
    for done in runs:
        assert (done.returncode, done.stdout) == (0, "True 0\n"), done.stderr


CLOSED_AGAIN = """
import asyncio, gc, httpx, os
url, found = os.environ["ORIGIN"] + "/text", []
class Own(httpx.Response):
    pass
def own(request):
    return Own(200, stream=httpx.ByteStream(b"own"))
for transport in None, httpx.MockTransport(own):
    with httpx.Client(transport=transport) as client:
        response = client.get(url)
        for _ in range(2):
            elapsed, stream = response.elapsed, response.stream
            stream.close()
            found.append(response.elapsed > elapsed)
        del response
        gc.collect()
        found.append([stream.close(), type(stream).__name__])
async def main():
    async with httpx.AsyncClient() as client:
        response = await client.get(url)
        for _ in range(2):
            elapsed, stream = response.elapsed, response.stream
            await stream.aclose()
            found.append(response.elapsed > elapsed)
        del response
        gc.collect()
        found.append([await stream.aclose(), type(stream).__name__])
asyncio.run(main())
print(found)
"""


def test_a_stream_of_httpx_may_be_closed_again_with_and_after_its_response(tmp_path):
    live, recorded, replayed = three_times(tmp_path, CLOSED_AGAIN)
    assert live == recorded == replayed


BROKEN = """
import asyncio, os
import httpx, httpx2

def no_bytes():
    yield b"a"
    yield 3
def failing():
    yield b"a"
    raise KeyError("the suite's own")
async def later(pieces):
    for piece in pieces:
        yield piece
async def post(client, url, content):
    async with client() as asking:
        return await asking.post(url, content=content)
def ask(call, *arguments, **options):
    try:
        answer = call(*arguments, **options)
        print((asyncio.run(answer) if asyncio.iscoroutine(answer) else answer).text)
    except Exception as error:
        print(type(error).__name__, error)

for module in httpx, httpx2:
    skipped = lambda: iter([b"a", None])
    ask(module.post, os.environ["ORIGIN"] + "/echo", content=skipped())
    for body in lambda: bytearray(b"abc"), no_bytes, failing, skipped:
        ask(module.post, "http://127.0.0.1:1/", content=body())
        ask(post, module.AsyncClient, "http://127.0.0.1:1/", later(body()))
"""


def test_what_cannot_be_sent_by_httpx_fails_where_it_does_live(tmp_path):
    live, recorded, replayed = three_times(tmp_path, BROKEN, "--allow-errors")
    assert live == recorded == replayed
    assert "ConnectError" in live
