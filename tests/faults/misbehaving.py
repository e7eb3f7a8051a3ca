"""Servers that misbehave, one path or port for each manner of it."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import trustme

from tests.support.origin import LARGE, TEXT, Origin, reply

if TYPE_CHECKING:
    from pathlib import Path

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: Answered with these bytes, after which the connection is closed.
FIXED = {
    "/truncated": reply(TEXT)[:-100],
    "/too-long-a-length": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + TEXT,
    "/too-short-a-length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + TEXT,
    "/no-length-at-all": b"HTTP/1.1 200 OK\r\n\r\n" + TEXT,
    "/negative-length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + TEXT,
    "/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n" + TEXT,
    "/chunk-cut": CHUNKED + b"64\r\nonly this",
    "/chunk-without-end": CHUNKED + b"3\r\none\r\n",
    "/chunk-size-is-no-number": CHUNKED + b"3\r\none\r\nzz\r\ntwo\r\n0\r\n\r\n",
    "/chunk-longer-than-said": CHUNKED + b"3\r\nfour\r\n0\r\n\r\n",
    "/gzip-is-none": reply(b"not gzip at all", "Content-Encoding: gzip"),
    "/gzip-cut": reply(gzip.compress(TEXT, mtime=0)[:-20], "Content-Encoding: gzip"),
    "/gzip-wrong-sum": reply(
        gzip.compress(TEXT, mtime=0)[:-8] + bytes(8), "Content-Encoding: gzip"
    ),
    "/loop": reply(b"", "Location: /loop", status="302 Found"),
    "/two-step-loop": reply(b"", "Location: /two-step-back", status="301 Moved Permanently"),
    "/two-step-back": reply(b"", "Location: /two-step-loop", status="302 Found"),
    "/nothing": b"",
    "/half-a-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/no-http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "/storm-for-ever": reply(b"slow", "Retry-After: 0", status="429 Too Many Requests"),
    "/storm-without-a-word": reply(b"slow", status="429 Too Many Requests"),
    "/storm-for-hours": reply(b"slow", "Retry-After: 7200", status="429 Too Many Requests"),
    "/away": reply(b"away", status="503 Service Unavailable"),
    "/bad-gateway": reply(b"bad", "Retry-After: 0", status="502 Bad Gateway"),
    "/oversized": reply(LARGE * 8),
}
#: 429 or 503 at first; while recording these are asked again.
PASSING = {
    "/storm-then-fine": reply(b"slow", "Retry-After: 0", status="429 Too Many Requests"),
    "/away-then-fine": reply(b"away", "Retry-After: 0", status="503 Service Unavailable"),
}
OTHERS = ("/reset-at-once", "/reset-in-the-body", "/drip")
PATHS = (*FIXED, *PASSING, *OTHERS)


class Misbehaving(Origin):
    """All of that over HTTP."""

    def _answer(self, connection, method, target, headers, body) -> bool:
        path = target.partition("?")[0]
        number = self._counts[target] = self._counts.get(target, 0) + 1
        if path in PASSING:
            connection.sendall(PASSING[path] if number == 1 else reply(b"fine"))
            return True
        if path.startswith("/reset"):
            if "body" in path:
                connection.sendall(reply(TEXT)[:-100])
                time.sleep(0.1)
            linger = b"\x01\0\0\0\0\0\0\0"  # closing resets
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        if path == "/drip":
            for at in range(60):
                connection.sendall(reply(TEXT[:60])[at : at + 1] if at < 59 else b"")
                time.sleep(0.005)
            connection.sendall(reply(TEXT[:60])[59:])
            return True
        if "loop" in path or "step" in path:
            connection.sendall(FIXED[path])
            return True
        with suppress(OSError):
            connection.sendall(FIXED.get(path, reply(path.encode())))
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(1 << 16):
                pass
        return False


class Ports:
    """Servers that misbehave as soon as somebody connects: over TLS, and over IPv6 only.

    Args:
        where: for the authority's certificate, ``ca.pem``.
    """

    def __init__(self, where: Path) -> None:
        authority, unknown = trustme.CA(), trustme.CA()
        self.ca = where / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=9)
        expired = authority.issue_cert(
            "localhost", not_before=past, not_after=past + dt.timedelta(days=1)
        )
        self._listeners: list[socket.socket] = []
        good = self._tls(authority.issue_cert("localhost"))
        self.urls = {
            "tls": f"https://localhost:{good}/fine",
            "tls-expired": f"https://localhost:{self._tls(expired)}/",
            "tls-wrong-host": f"https://localhost:{self._tls(authority.issue_cert('x.example'))}/",
            "tls-self-signed": f"https://localhost:{self._tls(unknown.issue_cert('localhost'))}/",
            "tls-handshake-cut": f"https://localhost:{self._serve(self._cut)}/",
            "ipv6-only": f"http://[::1]:{self._serve(self._plain, '::1')}/fine",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            listener.close()

    def _serve(self, handle, host: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, 0), family=family)
        self._listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection) -> None:
            with suppress(OSError), connection:
                handle(connection)

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    @staticmethod
    def _plain(connection) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        connection.sendall(reply(b"fine", "Connection: close"))

    @staticmethod
    def _cut(connection) -> None:
        connection.recv(100)

    def _tls(self, certificate) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)

        def handle(connection) -> None:
            with context.wrap_socket(connection, server_side=True) as secure:
                self._plain(secure)

        return self._serve(handle)
