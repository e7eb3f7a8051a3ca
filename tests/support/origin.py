"""A server that says exactly the bytes it is told to, however wrong, and counts requests."""

from __future__ import annotations

import gzip
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

TEXT = b"The quick brown fox jumps over the lazy dog.\n" * 20
LARGE = bytes(range(256)) * 8192  # 2 MiB
BIG = 200 * 1024 * 1024


def reply(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Date: Sat, 21 Nov 2026 10:00:00 GMT", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*parts: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return reply(b"", "Transfer-Encoding: chunked", length=False) + framed + b"0\r\n\r\n"


class Origin:
    """Answers by path; ``with Origin() as origin: origin.url``."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.requests: list[str] = []
        self._counts: dict[str, int] = {}
        self._stop = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening: from now on connections are refused."""
        self._stop.set()
        with suppress(OSError):  # closing alone lets a waiting accept() have one more
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        try:
            while line := stream.readline():
                method, target, _ = line.decode().split()
                headers = {}
                while (field := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = field.decode().partition(":")
                    headers[name.lower()] = value.strip()
                if headers.get("expect", "").lower() == "100-continue":
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = self._body(stream, headers)
                self.requests.append(f"{method} {target}")
                if not self._answer(connection, method, target, headers, body):
                    return
        except OSError:
            return
        finally:
            stream.close()
            connection.close()

    @staticmethod
    def _body(stream, headers) -> bytes:
        if "chunked" in headers.get("transfer-encoding", ""):
            parts = []
            while size := int(stream.readline(), 16):
                parts.append(stream.read(size))
                stream.readline()
            stream.readline()
            return b"".join(parts)
        return stream.read(int(headers.get("content-length", 0)))

    def _answer(self, connection, method, target, headers, body) -> bool:
        """Send the answer; False to close the connection."""
        path = target.partition("?")[0]
        number = self._counts[target] = self._counts.get(target, 0) + 1
        if path == "/silent":
            self._stop.wait(30)
            return False
        if path == "/stall":
            connection.sendall(reply(TEXT)[:-100])
            self._stop.wait(30)
            return False
        if path == "/reset":
            connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
            )  # closing now resets
            return False
        if path == "/empty-reply":
            return False
        if path == "/upgrade":
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n"
            )
            connection.sendall(connection.recv(100).upper())
            return False
        data = self._bytes(path, method, headers, body, number)
        if method == "HEAD":
            data = data[: data.index(b"\r\n\r\n") + 4]
        connection.sendall(data)
        return path not in ("/truncated", "/unsized", "/garbage") and (
            headers.get("connection", "").lower() != "close"
        )

    def _bytes(self, path, method, headers, body, number) -> bytes:  # noqa: C901, PLR0911, PLR0912
        if path == "/text":
            return reply(TEXT, "Content-Type: text/plain; charset=utf-8", 'ETag: "abc"')
        if path == "/gzip":
            return reply(gzip.compress(TEXT, mtime=0), "Content-Encoding: gzip",
                         "Content-Type: text/plain")  # fmt: skip
        if path == "/chunked":
            return chunked(b"one", b"two", b"three")
        if path == "/unsized":
            return reply(TEXT, "Connection: close", length=False)
        if path == "/headers":
            return reply(b"x", "X-Twice: 1", "x-tWICE: 2", "Set-Cookie: a=1; Path=/; HttpOnly",
                         "Set-Cookie: b=2; Max-Age=60", "X-Latin: caf\u00e9")  # fmt: skip
        if path == "/cookie-back":
            return reply(headers.get("cookie", "").encode())
        if path == "/redirect":
            return reply(b"", "Location: /redirect-2", status="301 Moved Permanently")
        if path == "/redirect-2":
            return reply(b"", f"Location: {self.url}/text?from=redirect", status="302 Found")
        if path == "/signed":
            location = f"Location: {self.url}/text?Signature={number}&Expires={number}"
            return reply(b"", location, status="302 Found")
        if path == "/large":
            return reply(LARGE, "Content-Type: application/octet-stream")
        if path == "/medium":
            return reply(LARGE[:500_000])
        if path == "/echo":
            return reply(f"{method} ".encode() + body, status="201 Created")
        if path == "/range":
            first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
            return reply(TEXT[first : last + 1], f"Content-Range: bytes {first}-{last}/{len(TEXT)}",
                         status="206 Partial Content")  # fmt: skip
        if path == "/nothing":
            return reply(b"", status="204 No Content", length=False)
        if path == "/missing":
            return reply(b"not here", status="404 Not Found")
        if path == "/private":
            known = headers.get("authorization")
            return reply(b"secret" if known else b"who?",
                         status="200 OK" if known else "401 Unauthorized")  # fmt: skip
        if path == "/job":
            return reply([b"queued", b"running", b"done"][min(number, 3) - 1])
        if path == "/busy" and number % 3:
            return reply(b"", "Retry-After: 0", status="429 Too Many Requests")
        if path == "/down":
            return reply(b"down", "Retry-After: 999", status="503 Service Unavailable")
        if path == "/truncated":
            return reply(TEXT)[:-100]
        if path == "/garbage":
            return b"this is not HTTP\r\n\r\n"
        return reply(path.encode())


class Torrent(Origin):
    """Sends a large body without holding it."""

    def _answer(self, connection, method, target, headers, body):
        connection.sendall(reply(b"", f"Content-Length: {BIG}", length=False))
        for _ in range(BIG // len(LARGE)):
            connection.sendall(LARGE)
        return True
