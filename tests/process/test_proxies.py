"""A request that names this machine and goes through a proxy that is elsewhere leaves it."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager, suppress

import pytest

from tests.support.cli import alone, recordbake
from tests.support.programs import events

PROXY = "http://no-such-proxy.invalid:3128"
PROGRAM = """
import asyncio, os, urllib.request
import aiohttp, httpx, requests, urllib3

URL, PROXY = "http://127.0.0.1:9/a", "{proxy}"

async def with_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(URL, proxy=PROXY) as answer:
        return answer.status

async def with_httpx():
    async with httpx.AsyncClient(proxy=PROXY) as client:
        return (await client.get(URL)).status_code

def with_urllib():
    os.environ["http_proxy"] = PROXY
    try:
        return urllib.request.urlopen(URL).status
    finally:
        del os.environ["http_proxy"]

for ask in (
    lambda: requests.get(URL, proxies={{"http": PROXY}}),
    lambda: requests.get(URL, proxies={{"http": PROXY.replace("http", "socks5h")}}),
    lambda: urllib3.ProxyManager(PROXY).request("GET", URL, retries=False),
    lambda: httpx.Client(proxy=PROXY).get(URL),
    lambda: asyncio.run(with_httpx()),
    lambda: asyncio.run(with_aiohttp()),
    with_urllib,
):
    try:
        print(ask())
    except Exception as error:
        print(type(error).__module__, type(error).__name__)
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(proxy=PROXY))
    return [sys.executable, "program.py"]


def test_what_a_proxy_elsewhere_failed_is_replayed_though_the_url_names_this_machine(
    tmp_path, command
):
    recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path)
    assert recorded.returncode == 0, recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == recorded.stdout
    assert "Error" in recorded.stdout
    for mode, outcome in (("record", "failed"), ("replay_strict", "hit")):
        found = events(tmp_path, mode)
        assert [e["outcome"] for e in found if e["event"] == "request"] == [outcome] * 7
        assert not [e for e in found if e["event"] == "leak"]


def test_a_proxy_that_is_not_captured_is_left_alone(tmp_path, command):
    env = {"RECORDBAKE_IGNORE_HOSTS": "no-such-proxy.invalid"}
    recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr
    found = events(tmp_path, "record")
    assert {e["outcome"] for e in found if e["event"] == "request"} <= {"bypass"}


SOCKS = """
import os, sys
import requests, urllib3
from urllib3.contrib.socks import SOCKSProxyManager

def told(error):
    while error is not None:
        yield type(error).__name__, str(error)[-60:]
        error = error.__cause__ or error.__context__

for scheme in "socks5h", "socks4a":
    proxy = f"{scheme}://" + os.environ["PROXY"]
    manager = SOCKSProxyManager(proxy, timeout=20)
    for host in sys.argv[1:]:
        try:
            print(requests.get(f"http://{host}/r?{scheme}", proxies={"http": proxy}).text)
            print(manager.request("GET", f"http://{host}/u?{scheme}", retries=False).data)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            print(list(told(error)))
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def speak_socks(connection, asked):
    """A proxy (RFC 1928, and SOCKS 4A) that answers itself, but does not let ``refused.*``."""
    stream = connection.makefile("rb")
    if stream.read(1) == b"\5":
        stream.read(stream.read(1)[0])
        connection.sendall(b"\5\0")
        stream.read(4)
        host = stream.read(stream.read(1)[0])
        stream.read(2)
        done, refused = b"\5\0\0\1" + bytes(6), b"\5\5\0\1" + bytes(6)
    else:
        stream.read(8)
        host = b"".join(iter(lambda: stream.read(1), b"\0"))
        done, refused = b"\0\x5a" + bytes(6), b"\0\x5b" + bytes(6)
    asked.append(host.decode())
    connection.sendall(refused if host.startswith(b"refused") else done)
    while stream.readline() not in {b"\r\n", b""}:
        pass
    connection.sendall(ANSWER)


@contextmanager
def socks_proxy():
    """Where it listens, and for whom it was asked."""
    listener, asked = socket.create_server(("127.0.0.1", 0)), []

    def serve(connection):
        with connection, suppress(OSError):
            speak_socks(connection, asked)

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}", asked
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_what_came_through_a_socks_proxy_replays_without_it(tmp_path):
    (tmp_path / "program.py").write_text(SOCKS)
    command = [sys.executable, "program.py", "known.example", "refused.example"]
    with socks_proxy() as (proxy, asked):
        env = {"PROXY": proxy}
        live = alone(command, tmp_path, env)
        recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path, env=env)
        asked.clear()
        new = [*command[:2], "new.example"]
        blocked = recordbake("replay", "--strict", "--", *new, cwd=tmp_path, env=env)
        assert asked == []
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    assert live == recorded.stdout == replayed.stdout
    assert replayed.returncode == 0, replayed.stderr
    assert "hello" in live
    assert "Connection refused" in live
    assert blocked.returncode == 10
    assert "recordbake blocked GET http://new.example/r?socks5h" in blocked.stderr
