"""aiohttp as suites use it: pooled, streamed, cancelled, traced, proxied, mocked."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
import threading

import pytest
import trustme

from tests.clients.origin import ContractOrigin
from tests.support.cli import recordbake
from tests.support.origin import BIG, LARGE, TEXT, Origin, Torrent, reply
from tests.support.programs import CAPTURE, events, record_and_replay, requests

#: Before each program: a session, and what an exception is and what caused it.
PRELUDE = """
import aiohttp, asyncio, os
URL = os.environ.get("ORIGIN", "")
def chain(error):
    names = []
    while error is not None:
        names.append(type(error).__name__)
        error = error.__cause__
    return " ".join(names)
def run(main, **options):
    async def inner():
        async with aiohttp.ClientSession(**options) as session:
            try:
                await main(session)
            except Exception as error:
                print(chain(error))
            for _ in range(1000):  # what is cancelled ends
                await asyncio.sleep(0.01)
                ours = asyncio.all_tasks() - {asyncio.current_task()}
                if not ours:
                    break
            assert not ours, ours
    asyncio.run(inner())
"""


@pytest.fixture
def run(tmp_path):
    def both(code, **options):
        return record_and_replay(tmp_path, PRELUDE + textwrap.dedent(code), **options)

    return both


def test_a_connection_is_used_again(run):
    code = """
        async def main(session):
            for method, path in [("GET", "/text"), ("HEAD", "/text"), ("GET", "/chunked"),
                                 ("GET", "/nothing"), ("PUT", "/echo"), ("GET", "/text")] * 3:
                data = b"x" if method == "PUT" else None
                async with session.request(method, URL + path, data=data) as r:
                    print(len(await r.read()), end=" ")
            print([len(kept) for kept in session.connector._conns.values()])
        run(main)
        """
    assert run(code) == f"{len(TEXT)} 0 11 0 5 {len(TEXT)} " * 3 + "[1]\n"


def test_a_hundred_requests_at_once(run, tmp_path):
    code = """
        async def main(session):
            async def one(n):
                async with session.get(f"{URL}/{n}") as r:
                    return await r.text()
            texts = await asyncio.gather(*(one(n) for n in range(100)))
            print(texts == [f"/{n}" for n in range(100)])
        run(main)
        """
    assert run(code) == "True\n"
    assert len(requests(tmp_path, "record")) == len(requests(tmp_path, "replay_strict")) == 100


def test_bodies_stream_to_readers_of_any_speed(run):
    code = """
        async def main(session):
            for bufsize in (1024, 1 << 16):
                async with session.get(URL + "/large", read_bufsize=bufsize) as r:
                    size = 0
                    async for piece in r.content.iter_chunked(100_000):
                        size += len(piece)
                        await asyncio.sleep(0)
                    print(size)
        run(main)
        """
    assert run(code) == f"{len(LARGE)}\n" * 2


def test_a_body_of_200_mb_takes_bounded_memory(run):
    code = """
        import resource
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        async def main(session):
            before = peak()
            async with session.get(URL + "/big") as r:
                size = 0
                async for piece in r.content.iter_any():
                    size += len(piece)
            assert peak() - before < 64, (before, peak())
            print(size)
        run(main)
        """
    assert run(code, origin=Torrent) == f"{BIG}\n"


class Ticker(Origin):
    """Sends each event when the one before has been acknowledged by another request."""

    def __init__(self):
        self.seen = threading.Semaphore(0)
        super().__init__()

    def _answer(self, connection, method, target, headers, body):
        if target == "/seen":
            self.seen.release()
            connection.sendall(reply(b""))
            return True
        head = reply(b"", "Content-Type: text/event-stream", "Transfer-Encoding: chunked",
                     length=False)  # fmt: skip
        connection.sendall(head)
        for number in range(3):
            event = f"data: {number}\n\n".encode()
            connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
            assert self.seen.acquire(timeout=20)
        connection.sendall(b"0\r\n\r\n")
        return True


def test_events_arrive_as_they_are_sent(run):
    code = """
        async def main(session):
            async with session.get(URL + "/events") as r:
                async for line in r.content:
                    if line.strip():
                        print(line)
                        async with session.post(URL + "/seen") as seen:
                            pass
        run(main)
        """
    assert run(code, origin=Ticker) == "".join(f"b'data: {n}\\n'\n" for n in range(3))


@pytest.mark.parametrize("path", ["/silent", "/stall"])
@pytest.mark.parametrize(
    ("timeout", "raised"), [("total", "TimeoutError"), ("sock_read", "SocketTimeoutError")]
)
def test_timeouts_replay_at_once(run, timeout, path, raised):
    # What has to be waited for while replaying outlasts every test.
    code = f"""
        seconds = 1 if os.environ["MODE"] == "record" else 86400
        async def main(session):
            async with session.get(URL + "{path}") as r:
                await r.read()
        run(main, timeout=aiohttp.ClientTimeout({timeout}=seconds))
        """
    assert run(code, complete=False).split()[0] == raised


def test_what_came_before_a_failure_is_read_first(run):
    code = """
        async def main(session):
            for path in ("/truncated", "/stall"):
                timeout = aiohttp.ClientTimeout(sock_read=2)  # time to begin the answer
                async with session.get(URL + path, timeout=timeout) as r:
                    await asyncio.sleep(0.01)
                    data = b""
                    try:
                        while piece := await r.content.read(100):
                            data += piece
                    except Exception as error:
                        print(len(data), chain(error))
        run(main)
        """
    assert run(code, complete=False).splitlines() == [
        f"{len(TEXT) - 100} ClientPayloadError ContentLengthError",
        f"{len(TEXT) - 100} SocketTimeoutError",
    ]


def test_a_response_that_is_closed_early_and_read_all_the_same(run):
    code = """
        async def main(session):
            r = await session.get(URL + "/stall")
            print(len(await r.content.readany()))
            await asyncio.sleep(0.01)
            r.close()
            await r.read()
        run(main)
        """
    assert run(code).splitlines() == [f"{len(TEXT) - 100}", "ClientConnectionError"]


def test_a_cancelled_request(run, tmp_path):
    code = """
        async def main(session):
            async def fetch(path):
                async with session.get(URL + path) as r:
                    return await r.read()
            for path in ("/silent", "/stall"):
                try:
                    await asyncio.wait_for(fetch(path), 1.5)
                except asyncio.TimeoutError:
                    print("gave up")
            async with session.get(URL + "/text") as r:
                print(r.status)
        run(main)
        """
    assert run(code) == "gave up\n" * 2 + "200\n"
    kinds = [(e.get("error") or {}).get("kind") for e in requests(tmp_path, "record")]
    assert kinds == ["cancelled", "cancelled", None]


def test_a_response_that_nobody_reads(run):
    code = """
        async def main(session):
            for path in ("/large", "/text"):
                async with session.get(URL + path) as r:
                    print(r.status)
        run(main)
        """
    assert run(code) == "200\n200\n"


def test_uploads(run):
    code = """
        async def parts():
            for n in range(3):
                yield b"part%d" % n
        async def main(session):
            for data in (b"", b"x" * 300_000, parts()):
                async with session.post(URL + "/echo", data=data) as r:
                    print(len(await r.read()))
            async with session.put(URL + "/echo", data=b"waits", expect100=True) as r:
                print(await r.text())
        run(main)
        """
    assert run(code) == "5\n300005\n20\nPUT waits\n"


def test_traces_see_what_they_see_live(run, tmp_path):
    code = """
        config = aiohttp.TraceConfig()
        for name in dir(config):
            if name.startswith("on_"):
                async def seen(session, context, parameters, name=name):
                    print(name)
                getattr(config, name).append(seen)
        async def main(session):
            for n in range(2):
                await asyncio.gather(*(session.get(f"{URL}/{n}") for n in range(2)))
        run(main, trace_configs=[config])
        """
    with Origin() as origin:
        program = tmp_path / "live.py"
        program.write_text(PRELUDE + textwrap.dedent(code))
        live = subprocess.run(
            [sys.executable, str(program)], env=os.environ | {"ORIGIN": origin.url},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert sorted(run(code).split()) == sorted(live.stdout.split())


def test_a_busy_server_is_waited_for(run, tmp_path):
    code = """
        from unittest import mock
        async def main(session):
            async with session.get(URL + "/busy") as r:
                print(r.status)
        with mock.patch("asyncio.sleep"):
            run(main)
        """
    assert run(code) == "200\n"
    (event,) = requests(tmp_path, "record")
    assert (event["retries"], event["client"]) == (2, "aiohttp")


# -- strict ----------------------------------------------------------------------------------------


def strict(where, code, **env):
    (where / ".recordbake").mkdir(exist_ok=True)
    path = where / "strict.py"
    path.write_text(PRELUDE + textwrap.dedent(code))
    (where / "empty.py").write_text("import aiohttp")
    recorded = recordbake("record", "--", sys.executable, "empty.py", cwd=where)
    assert recorded.returncode == 0, recorded.stderr
    return recordbake("replay", "--strict", "--", sys.executable, path, cwd=where, env=env)


def test_a_blocked_request_is_not_tried_again_and_looks_nothing_up(tmp_path):
    code = """
        async def main(session):
            try:
                await session.get("https://api.example.org/items?page=2")
            except aiohttp.ClientError as error:
                print(type(error).__name__, error)
        run(main)
        """
    result = strict(tmp_path, code)
    assert result.returncode == 10
    said = "ClientError recordbake blocked GET https://api.example.org/items?page=2: it is not in"
    assert result.stdout.startswith(said)
    (event,) = requests(tmp_path, "replay_strict")
    assert event["outcome"] == "blocked"
    assert not [e for e in events(tmp_path, "replay_strict") if e["event"] == "leak"]


def test_a_websocket_is_blocked_with_the_same_words_as_of_any_client(tmp_path):
    code = """
        async def main(session):
            try:
                await session.ws_connect("wss://api.example.org/feed")
            except aiohttp.ClientError as error:
                print(type(error).__name__, error)
        run(main)
        """
    result = strict(tmp_path, code)
    assert result.returncode == 10
    first, _, advice = result.stdout.splitlines()
    url = "https://api.example.org/feed"
    said = f"recordbake blocked GET {url}: it asks for another protocol than HTTP"
    assert first == f"ClientError {said}"
    assert "name api.example.org in ignore_hosts" in advice
    (event,) = requests(tmp_path, "replay_strict")
    assert (event["outcome"], event["reason"]) == ("blocked", "upgrade")
    assert not [e for e in events(tmp_path, "replay_strict") if e["event"] == "leak"]


# -- what is not ours ------------------------------------------------------------------------------

LOCAL = """
from aiohttp import web
async def serve():
    async def hello(request):
        return web.Response(text="local " + request.path)
    async def echo(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket
    app = web.Application()
    app.add_routes([web.get("/feed", echo), web.get("/{path}", hello)])
    runner = web.AppRunner(app)
    await runner.setup()
    return runner
"""


def local(where, code, mode, **env):
    path = where / "local.py"
    path.write_text(PRELUDE + LOCAL + textwrap.dedent(code))
    verb = ["record"] if mode == "record" else ["replay", "--strict"]
    result = recordbake(*verb, "--", sys.executable, path, cwd=where, env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout


RESOLVED = """
import socket
from aiohttp.abc import AbstractResolver
class Fake(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": PORT, "family": socket.AF_INET,
                 "proto": 0, "flags": 0}]
    async def close(self):
        pass
async def main(session):
    global PORT
    runner = await serve()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    PORT = site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Fake())) as other:
        for _ in range(2):
            async with other.get("http://api.example.org/a") as r:
                print(await r.text())
    await runner.cleanup()
run(main)
"""
TESTED = """
from aiohttp.test_utils import TestClient, TestServer
async def main(session):
    runner = await serve()
    async with TestClient(TestServer(runner.app)) as client:
        print(await (await client.get("/a")).text())
        async with client.ws_connect("/feed") as socket:
            await socket.send_str("up")
            print(await socket.receive_str())
    await runner.cleanup()
run(main)
"""
UNIX = """
async def main(session):
    runner = await serve()
    await web.UnixSite(runner, "here.sock").start()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector("here.sock")) as other:
        async with other.get("http://api.example.org/a") as r:
            print(await r.text())
    await runner.cleanup()
run(main)
"""


@pytest.mark.parametrize(
    ("code", "printed"),
    [(RESOLVED, "local /a\nlocal /a\n"), (TESTED, "local /a\nUP\n"), (UNIX, "local /a\n")],
    ids=["resolver", "test_utils", "unix"],
)
def test_servers_of_the_suite_are_neither_kept_nor_counted(tmp_path, code, printed):
    for mode in ("record", "replay_strict"):
        assert local(tmp_path, code, mode) == printed
        assert not requests(tmp_path, mode)


def test_a_websocket_passes_while_recording_and_is_said(tmp_path):
    code = """
        async def main(session):
            runner = await serve()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]
            async with session.ws_connect(f"http://127.0.0.1:{port}/feed") as socket:
                for word in ("one", "two"):
                    await socket.send_str(word)
                    print(await socket.receive_str())
            await runner.cleanup()
        run(main)
        """
    assert local(tmp_path, code, "record", **CAPTURE) == "ONE\nTWO\n"
    (event,) = requests(tmp_path, "record")
    assert (event["outcome"], event["reason"]) == ("forwarded", "upgrade")


class Proxy:
    """A forward proxy for plain HTTP that answers itself, and keeps what it was sent."""

    def __init__(self):
        self.heads = []

    async def answer(self, reader, writer):
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(reply(b"proxied"))
        await writer.drain()
        writer.close()


def test_a_forward_proxy_gets_its_credentials(tmp_path):
    code = """
        async def main(session):
            proxy = {"proxy": os.environ["PROXY"], "proxy_auth": aiohttp.BasicAuth("u", "p")}
            async with session.get("http://api.example.org/a", **proxy) as r:
                print(await r.text())
        run(main)
        """
    path = tmp_path / "program.py"
    path.write_text(PRELUDE + textwrap.dedent(code))

    async def record():
        proxy = Proxy()
        server = await asyncio.start_server(proxy.answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        result = await asyncio.to_thread(
            recordbake, "record", "--", sys.executable, path, cwd=tmp_path, env={"PROXY": url}
        )
        server.close()
        return url, result, proxy.heads

    url, recorded, (head,) = asyncio.run(record())
    assert recorded.stdout == "proxied\n", recorded.stderr
    assert head.startswith("GET http://api.example.org/a HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dTpw\r\n" in head
    with socket.socket() as nobody:  # the proxy is gone
        nobody.bind(("127.0.0.1", 0))
        replayed = recordbake(
            "replay", "--strict", "--", sys.executable, path, cwd=tmp_path, env={"PROXY": url}
        )
    assert (replayed.stdout, replayed.returncode) == ("proxied\n", 0), replayed.stderr


def test_a_proxy_that_opens_no_tunnel(tmp_path):
    """It answers in the replay with what it had answered: status, reason and fields."""
    answer = (
        b"HTTP/1.1 407 Pay First\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
    )
    code = """
        async def main(session):
            try:
                await session.get("https://127.0.0.1:1/", proxy=os.environ["PROXY"])
            except aiohttp.ClientHttpProxyError as error:
                print(error.status, error.message, error.headers["proxy-authenticate"],
                      error.request_info.method, error.history, error)
        run(main)
        """
    program = tmp_path / "program.py"
    program.write_text(PRELUDE + textwrap.dedent(code))
    said = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse():
            with server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        threading.Thread(target=refuse, daemon=True).start()
        env = CAPTURE | {"PROXY": f"http://127.0.0.1:{server.getsockname()[1]}"}
        command = ["--", sys.executable, program]
        said.append(recordbake("record", "--allow-errors", *command, cwd=tmp_path, env=env))
    said.append(recordbake("replay", "--strict", *command, cwd=tmp_path, env=env))
    assert [each.returncode for each in said] == [0, 0], said
    assert said[0].stdout.startswith("407 Pay First Basic realm=x CONNECT () 407, message=")
    assert said[1].stdout == said[0].stdout


def test_a_certificate_that_is_another_one(tmp_path):
    code = """
        async def main(session):
            try:
                await session.get(URL, ssl=aiohttp.Fingerprint(bytes(32)))
            except aiohttp.ServerFingerprintMismatch as error:
                print(error.expected == bytes(32), error.got.hex(), error.host, error)
        run(main)
        """
    authority = trustme.CA()
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    program = tmp_path / "program.py"
    program.write_text(PRELUDE + textwrap.dedent(code))
    command = ["--", sys.executable, program]
    with ContractOrigin(authority) as origin:
        env = CAPTURE | {"ORIGIN": origin.url, "SSL_CERT_FILE": str(pem)}
        recorded = recordbake("record", "--allow-errors", *command, cwd=tmp_path, env=env)
    replayed = recordbake("replay", "--strict", *command, cwd=tmp_path, env=env)
    assert (recorded.returncode, replayed.returncode) == (0, 0), recorded.stderr + replayed.stderr
    assert recorded.stdout.startswith("True ")
    assert replayed.stdout == recorded.stdout
