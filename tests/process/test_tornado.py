"""tornado's AsyncHTTPClient as suites use it: many at once, streamed, blocked, led elsewhere."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import tornado

from tests.support.cli import recordbake
from tests.support.origin import BIG, LARGE, TEXT, Origin, Torrent, reply
from tests.support.programs import CAPTURE, events, record_and_replay, requests

#: Before each program: ``run(main)`` gives ``main`` a client.
PRELUDE = """
import asyncio, os
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
AsyncHTTPClient.configure("tornado.{}AsyncHTTPClient")
URL = os.environ.get("ORIGIN", "")
def run(main, **options):
    async def inner():
        client = AsyncHTTPClient(force_instance=True, **options)
        try:
            await main(client)
        except Exception as error:
            print(type(error).__name__, error)
        client.close()
    asyncio.run(inner())
"""
SIMPLE, CURL = "simple_httpclient.Simple", "curl_httpclient.Curl"


@pytest.fixture(params=[SIMPLE, CURL])
def prelude(request):
    return PRELUDE.format(request.param)


def test_a_hundred_requests_at_once(prelude, tmp_path):
    code = """
        async def main(client):
            async def one(n):
                return (await client.fetch(f"{URL}/{n}")).body.decode()
            texts = await asyncio.gather(*(one(n) for n in range(100)))
            print(texts == [f"/{n}" for n in range(100)])
        run(main, max_clients=30)
        """
    assert record_and_replay(tmp_path, prelude + textwrap.dedent(code)) == "True\n"
    assert len(requests(tmp_path, "record")) == len(requests(tmp_path, "replay_strict")) == 100


def test_each_redirect_is_an_exchange(prelude, tmp_path):
    code = """
        async def main(client):
            r = await client.fetch(URL + "/redirect")
            print(r.code, r.effective_url.removeprefix(URL), r.request.url.removeprefix(URL))
        run(main)
        """
    assert (
        record_and_replay(tmp_path, prelude + textwrap.dedent(code))
        == "200 /text?from=redirect /redirect\n"
    )
    for mode in ("record", "replay_strict"):
        assert [e["status"] for e in requests(tmp_path, mode)] == [301, 302, 200]


class Away(Origin):
    """Sends everybody to where nobody listens."""

    def _answer(self, connection, method, target, headers, body):
        status = target[1:4]
        connection.sendall(reply(b"gone", "Location: http://localhost:1/x", status=f"{status} Go"))
        return True


def test_a_redirect_that_leads_nowhere_fails_alike(prelude, tmp_path):
    if SIMPLE in prelude and tornado.version_info < (6, 6):
        pytest.skip("that client then waits forever, without recordbake as well")
    code = """
        async def main(client):
            for status in (302, 307):
                try:
                    await client.fetch(f"{URL}/{status}", method="POST", body="sent")
                except Exception as error:
                    print(type(error).__name__, error)
        run(main)
        """
    program = prelude + textwrap.dedent(code)
    said = record_and_replay(tmp_path, program, origin=Away, complete=False)
    assert len(said.splitlines()) == 2
    assert "recordbake" not in said
    for mode in ("record", "replay_strict"):
        methods = [(e["method"], e["status"]) for e in requests(tmp_path, mode)]
        assert methods == [("POST", 302), ("GET", None), ("POST", 307), ("POST", None)]


def test_a_body_streams_to_a_slow_reader(prelude, tmp_path):
    code = """
        sizes = []
        async def main(client):
            def count(data):
                sizes.append(len(data))
            await client.fetch(URL + "/large", streaming_callback=count)
            print(sum(sizes), len(sizes) > 1)
        run(main)
        """
    program = prelude + textwrap.dedent(code)
    assert record_and_replay(tmp_path, program) == f"{len(LARGE)} True\n"


def test_a_body_of_200_mb_takes_bounded_memory(prelude, tmp_path):
    code = """
        import resource
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        async def main(client):
            size, before = [0], peak()
            def count(data):
                size[0] += len(data)
            await client.fetch(URL + "/big", streaming_callback=count, request_timeout=100)
            assert peak() - before < 64, (before, peak())
            print(size[0])
        run(main, max_body_size=1 << 30)
        """
    program = prelude + textwrap.dedent(code)
    assert record_and_replay(tmp_path, program, origin=Torrent) == f"{BIG}\n"


def strict(where, code):
    """A program in a strict replay of an empty recording."""
    (where / "program.py").write_text(code)
    command = [sys.executable, "-W", "error", "program.py"]
    assert recordbake("record", "--", sys.executable, "-c", "", cwd=where).returncode == 0
    return recordbake("replay", "--strict", "--", *command, cwd=where)


def test_what_is_not_recorded_is_blocked(prelude, tmp_path):
    code = """
        async def main(client):
            try:
                await client.fetch("https://api.example.org/items?page=2")
            except HTTPClientError as error:
                print(error.code, error.message)
        run(main)
        """
    result = strict(tmp_path, prelude + textwrap.dedent(code))
    assert result.returncode == 10
    said = "599 recordbake blocked GET https://api.example.org/items?page=2: it is not in"
    assert result.stdout.startswith(said), result.stderr
    (event,) = requests(tmp_path, "replay_strict")
    assert event["outcome"] == "blocked"
    assert not [e for e in events(tmp_path, "replay_strict") if e["event"] == "leak"]


def test_what_a_busy_server_says_is_asked_for_again_while_recording(prelude, tmp_path):
    code = """
        async def main(client):
            r = await client.fetch(URL + "/busy")
            print(r.code, r.body.decode())
        run(main)
        """
    program = prelude + textwrap.dedent(code)
    assert record_and_replay(tmp_path, program) == "200 /busy\n"
    (event,) = requests(tmp_path, "record")
    assert (event["outcome"], event["retries"]) == ("stored", 2)


def test_a_live_miss_behind_a_redirect_goes_live_from_the_start(prelude, tmp_path):
    code = """
        async def main(client):
            for follow in (False, True)[: int(os.environ["TIMES"])]:
                options = {"follow_redirects": follow, "raise_error": False}
                r = await client.fetch(URL + "/redirect", **options)
                print(r.code)
        run(main)
        """
    (tmp_path / "program.py").write_text(prelude + textwrap.dedent(code))
    command = [sys.executable, "-W", "error", "program.py"]
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env | {"TIMES": "1"})
        assert recorded.stdout == "301\n", recorded.stderr
        replayed = recordbake("replay", "--", *command, cwd=tmp_path, env=env | {"TIMES": "2"})
        assert replayed.stdout == "301\n200\n", replayed.stderr
    found = [(e["status"], e["outcome"]) for e in requests(tmp_path, "replay")]
    assert found == [(301, "hit"), (301, "hit"), (302, "forwarded"), (200, "forwarded")]


def test_a_handle_of_libcurl_that_was_led_astray_goes_live_again(tmp_path):
    code = """
        async def main(client):
            for path in ("/text", "/echo", "/text", "/echo"):
                r = await client.fetch(os.environ["ORIGIN"] + path)
                print(len(r.body), end=" ")
        run(main, max_clients=1)
        """
    (tmp_path / "program.py").write_text(PRELUDE.format(CURL) + textwrap.dedent(code))
    command = [sys.executable, "-W", "error", "program.py"]
    fetch = (
        "import urllib.request as u; u.urlopen(__import__('os').environ['ORIGIN'] + '/text').read()"
    )
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        recordbake("record", "--", sys.executable, "-c", fetch, cwd=tmp_path, env=env)
        replayed = recordbake("replay", "--", *command, cwd=tmp_path, env=env)
        assert replayed.stdout == f"{len(TEXT)} 4 {len(TEXT)} 4 ", replayed.stderr
    found = [e["outcome"] for e in requests(tmp_path, "replay")]
    assert found == ["hit", "forwarded", "hit", "forwarded"]


@pytest.mark.parametrize(
    ("pretended", "module", "said"),
    [
        ("tornado.version = '9.1'", "simple_httpclient", "tornado 9.1"),
        ("tornado.version = '9.1'", "curl_httpclient", "tornado 9.1"),
        ("pycurl.version = 'PycURL/7.44.1 libcurl/7.81'", "curl_httpclient", "pycurl 7.44.1"),
    ],
)
def test_a_release_that_is_not_known_is_named(pretended, module, said, tmp_path):
    result = strict(tmp_path, f"import pycurl, tornado; {pretended}; import tornado.{module}")
    assert result.returncode == 10
    assert f"{said} is not one that recordbake knows" in result.stderr
    assert "Traceback" not in result.stderr


# -- WebSockets, and a suite's own servers ---------------------------------------------------------

SERVER = (
    PRELUDE.format(SIMPLE)
    + """
from tornado import httpserver, netutil, web, websocket
class Hello(web.RequestHandler):
    def get(self):
        self.write("hello")
class Echo(websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message.upper())
def serve():
    server = httpserver.HTTPServer(web.Application([("/", Hello), ("/feed", Echo)]))
    (listener,) = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets([listener])
    return server, listener.getsockname()[1]
"""
)


def local(where, code, verb, *flags, **env):
    """What a program prints that talks to a server of its own."""
    (where / "program.py").write_text(SERVER + textwrap.dedent(code))
    command = [sys.executable, "-W", "error", "program.py"]
    result = recordbake(verb, *flags, "--", *command, cwd=where, env=env)
    assert "Traceback" not in result.stderr, result.stderr
    return result.stdout


def test_a_name_that_the_suite_leads_to_itself_is_not_captured(tmp_path):
    code = """
        async def main(client):
            server, port = serve()
            client = AsyncHTTPClient(
                force_instance=True, hostname_mapping={"www.example.org": "127.0.0.1"})
            print((await client.fetch(f"http://www.example.org:{port}/")).body.decode())
            server.stop()
        run(main)
        """
    for verb, *flags in (["record"], ["replay", "--strict"]):
        assert local(tmp_path, code, verb, *flags) == "hello\n"
    for mode in ("record", "replay_strict"):
        assert not requests(tmp_path, mode)


SOCKET = """
    async def main(client):
        server, port = serve()
        feed = await websocket.websocket_connect(f"ws://127.0.0.1:{port}/feed")
        await feed.write_message("one")
        print(await feed.read_message())
        feed.close()
        server.stop()
    run(main)
    """


def test_a_websocket_passes_while_recording_and_is_blocked_in_strict(tmp_path):
    assert local(tmp_path, SOCKET, "record", **CAPTURE) == "ONE\n"
    (event,) = requests(tmp_path, "record")
    assert (event["outcome"], event["reason"]) == ("forwarded", "upgrade")
    said = local(tmp_path, SOCKET, "replay", "--strict", **CAPTURE)
    assert said.startswith("HTTPClientError HTTP 599: recordbake blocked GET http://127.0.0.1:")
    assert "it asks for another protocol than HTTP" in said
    (event,) = requests(tmp_path, "replay_strict")
    assert (event["outcome"], event["reason"]) == ("blocked", "upgrade")


def test_a_websocket_to_loopback_is_none_of_our_business(tmp_path):
    live = subprocess.run(
        [sys.executable, "-c", SERVER + textwrap.dedent(SOCKET)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert local(tmp_path, SOCKET, "record") == live == "ONE\n"
    assert not requests(tmp_path, "record")
