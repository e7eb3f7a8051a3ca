"""What fails while a connection is made fails alike live, recording, and in a strict replay."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from contextlib import contextmanager, suppress

import pytest
import trustme

from tests.support.cli import alone, recordbake

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
SEEN = """
import http.client, os, re
import requests, urllib3
from urllib.request import ProxyHandler, build_opener, urlopen
URL, PROXY = "https://localhost:" + os.environ["PORT"], "http://127.0.0.1:" + os.environ["PORT"]

def shown(error):
    '''Types, texts, links and what else an exception has.'''
    if error is None:
        return None
    link = shown(error.__context__) if error.__cause__ is None else shown(error.__cause__)
    more = {name: getattr(error, name) for name in ("errno", "verify_code", "verify_message")
            if not isinstance(getattr(error, name, None), (Exception, type(None)))}
    text = re.sub("0x[0-9a-f]{6,}", "0x", str(error))
    same = error.__cause__ is None or error.__context__ is error.__cause__
    return [type(error).__name__, text, more, error.__suppress_context__, same, link]

def ask(call, *arguments, **options):
    try:
        print(call(*arguments, **options).status)
    except Exception as error:
        print(shown(error))

def plainly():
    connection = http.client.HTTPSConnection(URL[8:], timeout=0.5)
    connection.request("GET", "/plain")
    return connection.getresponse()
"""
DIRECT = """
for retries in False, 0:
    pool = urllib3.PoolManager(timeout=0.5)
    ask(pool.request, "GET", URL + f"/{retries}", retries=retries)
ask(requests.get, URL + "/requests", timeout=0.5)
ask(urlopen, URL + "/urlopen", timeout=0.5)
ask(plainly)
"""
TUNNELLED = """
TARGET = "https://target.example"
for retries in False, 0:
    pool = urllib3.ProxyManager(PROXY, timeout=0.5)
    ask(pool.request, "GET", TARGET + f"/{retries}", retries=retries)
ask(requests.get, TARGET + "/requests", timeout=0.5, proxies={"https": PROXY})
ask(build_opener(ProxyHandler({"https": PROXY})).open, TARGET + "/urlopen", timeout=0.5)
"""
BY_AIOHTTP = """
import aiohttp, asyncio
async def get():
    async with aiohttp.ClientSession() as session:
        return await session.get("https://target.example/", proxy=PROXY)
ask(lambda: asyncio.run(get()))
"""


def silence(connection):
    connection.recv(4096)
    connection.recv(4096)


def reset(connection):
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection):
    connection.recv(4096)


def refuse(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")


def gibber(connection):
    connection.recv(4096)
    connection.sendall(b"NOT HTTP AT ALL\r\n\r\n")


def speak_tls(connection):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    context.wrap_socket(connection, server_side=True)


@contextmanager
def server(behaviour):
    """A port at which each connection meets the same fate."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection, suppress(OSError):
            behaviour(connection)

    def accept():
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    ("behaviour", "asked"),
    [(speak_tls, DIRECT), (silence, DIRECT), (reset, DIRECT), (silence, TUNNELLED),
     (reset, TUNNELLED + BY_AIOHTTP), (hang_up, TUNNELLED + BY_AIOHTTP), (refuse, TUNNELLED),
     (gibber, TUNNELLED)],
)  # fmt: skip
def test_a_connection_that_fails_fails_alike(tmp_path, behaviour, asked):
    path = tmp_path / "program.py"
    path.write_text(SEEN + asked)
    command = [sys.executable, str(path)]
    with server(behaviour) as port:
        env = CAPTURE | {"PORT": str(port)}
        live = alone(command, tmp_path, env)
        recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path, env=env)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    assert "Error" in live
    assert live == recorded.stdout
    assert live == replayed.stdout, replayed.stderr
