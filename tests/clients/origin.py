"""The server of the contract: an origin that also says what only a contract asks for."""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import brotli
import zstandard

from tests.clients.redirects import REASONS
from tests.support.origin import TEXT, Origin, chunked, reply

if TYPE_CHECKING:
    import trustme

PLAIN = "Content-Type: text/plain; charset=utf-8"
DATE = "Date: Sat, 21 Nov 2026 10:00:00 GMT"
BIG_CHUNK = b"0123456789abcdef" * 12_500  # 200 kB


def raw(*lines: str | bytes, body: bytes = b"") -> bytes:
    """A response of exactly these lines."""
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    return b"\r\n".join([*encoded, b"", b""]) + body


def encoded(data: bytes, name: str) -> bytes:
    """A text in a content coding."""
    return reply(data, f"Content-Encoding: {name}", PLAIN)


CHUNKED = "Transfer-Encoding: chunked"
#: Path -> exact bytes.
FIXED = {
    "/deflate": encoded(zlib.compress(TEXT), "deflate"),
    "/br": encoded(brotli.compress(TEXT), "br"),
    "/zstd": encoded(zstandard.compress(TEXT), "zstd"),
    "/bad-gzip": encoded(b"this is not gzip", "gzip"),
    "/gzip-chunked": raw("HTTP/1.1 200 OK", DATE, "Content-Encoding: gzip", PLAIN, CHUNKED,
        body=b"".join(b"%x\r\n%b\r\n" % (len(part), part)
                      for part in (gzip.compress(TEXT, mtime=0)[:30],
                                   gzip.compress(TEXT, mtime=0)[30:])) + b"0\r\n\r\n"),
    "/latin": reply("caf\u00e9".encode("latin-1"), "Content-Type: text/html; charset=ISO-8859-1"),
    "/chunk-extras": raw("HTTP/1.1 200 OK", DATE, CHUNKED, "Trailer: X-Sum",
                         body=b'3;name="x"\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 1\r\n\r\n'),
    "/big-chunk": chunked(BIG_CHUNK, b"x", BIG_CHUNK[:70_000]),
    "/many-chunks": chunked(*[b"%d" % n for n in range(500)]),
    "/cut-chunk": raw("HTTP/1.1 200 OK", DATE, CHUNKED, body=b"3\r\none\r\n64\r\nonly this"),
    "/cut-between": raw("HTTP/1.1 200 OK", DATE, CHUNKED, body=b"3\r\none\r\n"),
    "/bad-chunk": raw("HTTP/1.1 200 OK", DATE, CHUNKED, body=b"3\r\none\r\nzz\r\n"),
    "/cut-head": raw("HTTP/1.1 200 OK", DATE)[:-4],
    "/http-1.0": raw("HTTP/1.0 200 OK", DATE, PLAIN, body=TEXT),
    "/http-1.0-sized": raw("HTTP/1.0 200 OK", DATE, f"Content-Length: {len(TEXT)}", body=TEXT),
    "/no-reason": raw("HTTP/1.1 200", DATE, "Content-Length: 2", body=b"ok"),
    "/odd-reason": raw("HTTP/1.1 299 Quite  all-right!", DATE, "Content-Length: 2", body=b"ok"),
    "/close": reply(TEXT, "Connection: close"),
    "/empty": reply(b""),
    "/reset-content": reply(b"", status="205 Reset Content"),
    "/both-lengths": raw("HTTP/1.1 200 OK", DATE, "Content-Length: 5", CHUNKED,
                         "Connection: close",  # as it is: nobody is to ask again while it closes
                         body=b"3\r\none\r\n0\r\n\r\n"),
    "/bad-length": raw("HTTP/1.1 200 OK", DATE, "Content-Length: many", "Connection: close",
                       body=b"ok"),
    "/hints": raw("HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload")
              + reply(b"hinted", PLAIN),
    "/interim": raw("HTTP/1.1 100 Continue") + raw("HTTP/1.1 100 Continue") + reply(b"went on"),
    "/odd-headers": raw("HTTP/1.1 200 OK", DATE, "X-Empty:", "x-lower: a", "X-UPPER: b",
                        "X-Space:   c   ", b"X-Latin: caf\xe9", b"X-Bytes: \x80\xff",
                        "X-Long: " + "l" * 8000, "x-lower: d", "Content-Length: 2", body=b"ok"),
    "/folded": raw("HTTP/1.1 200 OK", DATE, "X-Folded: one", "  two", "Content-Length: 2",
                   body=b"ok"),
    "/cookies": reply(b"ok",
        "Set-Cookie: plain=1",
        "Set-Cookie: path=2; Path=/deep/er",
        "Set-Cookie: age=3; Max-Age=864000; HttpOnly",
        "Set-Cookie: until=4; Expires=Wed, 01 Jan 2116 00:00:00 GMT; SameSite=Lax",
        "Set-Cookie: gone=5; Max-Age=0",
        "Set-Cookie: safe=6; Secure; Version=1",
        "Set-Cookie: other=7; Domain=example.org",
        'Set-Cookie: quoted="8 9"; Comment=x'),
    "/set-and-go": reply(b"", "Set-Cookie: went=1; Path=/", "Location: /cookie-back",
                         status="302 Found"),
    "/relative": reply(b"", "Location: text?from=relative#part", status="302 Found"),
    "/up": reply(b"", "Location: ../text", status="302 Found"),
    "/loop": reply(b"", "Location: /loop", status="302 Found"),
    "/no-location": reply(b"stay", status="302 Found"),
    "/bad-location": reply(b"", "Location: http://[oops/", status="302 Found"),
    "/to-missing": reply(b"moved", "Location: /missing", status="301 Moved Permanently"),
    "/429": reply(b"slow down", "Retry-After: 999", status="429 Too Many Requests"),
    "/500": reply(b"broken", status="500 Internal Server Error"),
    "/503": reply(b"away", "Retry-After: 999", status="503 Service Unavailable"),
    "/418": reply(b"teapot", status="418 I'm a teapot"),
}  # fmt: skip
_CUT = ("/cut-chunk", "/cut-between", "/bad-chunk", "/cut-head", "/http-1.0", "/http-1.0-sized",
        "/close", "/both-lengths", "/bad-length")  # fmt: skip


class ContractOrigin(Origin):
    """An origin over TCP or TLS.

    Args:
        authority: signs a certificate for ``localhost``; None for no TLS.
    """

    def __init__(self, authority: trustme.CA | None = None) -> None:
        self._tls = None
        if authority is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(self._tls)
        super().__init__()
        if authority is not None:
            self.url = self.url.replace("http:", "https:")

    def _serve(self, connection: socket.socket) -> None:
        with suppress(UnicodeDecodeError):  # TLS spoken to a port without
            self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        super()._serve(connection)

    def _answer(self, connection, method, target, headers, body) -> bool:
        path = target.partition("?")[0]
        if path == "/stall-chunked":
            connection.sendall(chunked(b"one", b"two")[:-5])
            self._stop.wait(30)
            return False
        if path in _CUT:
            connection.sendall(FIXED[path])
            return False
        return super()._answer(connection, method, target, headers, body)

    def _bytes(self, path, method, headers, body, number) -> bytes:
        if path in FIXED:
            return FIXED[path]
        special = getattr(self, "_" + path.strip("/").partition("/")[0].replace("-", "_"), None)
        if special is not None and path.startswith("/do-"):
            return special(path, method, headers, body, number)
        return super()._bytes(path, method, headers, body, number)

    def _do_redirect(self, path, *_) -> bytes:
        status = int(path.rpartition("/")[2])
        return reply(b"moved", "Location: /echo", status=f"{status} {REASONS[status]}")

    def _do_elsewhere(self, *_) -> bytes:
        other = self.url.replace("localhost", "127.0.0.1")
        return reply(b"", f"Location: {other}/do-show/elsewhere", status="302 Found")

    def _do_fresh(self, _path, _method, headers, *_) -> bytes:
        known = headers.get("if-none-match") == '"v1"'
        status = "304 Not Modified" if known else "200 OK"
        return reply(b"" if known else TEXT, 'ETag: "v1"', status=status, length=not known)

    def _do_vary(self, _path, _method, headers, *_) -> bytes:
        language = headers.get("accept-language", "none")
        return reply(language.encode(), "Vary: Accept-Language", PLAIN)

    def _do_show(self, path, method, headers, body, _number) -> bytes:
        """What arrived, for what is sent by the client's own encoders."""
        wanted = ("content-type", "transfer-encoding", "authorization", "cookie")
        kept = [f"{n}: {headers[n].partition('boundary')[0]}" for n in wanted if n in headers]
        parts = (method.encode(), path.encode(), *(k.encode() for k in kept), b"%d" % len(body))
        return reply(b"\n".join(parts), status="201 Created")

    def _do_digest(self, path, method, headers, _body, number) -> bytes:
        answer = headers.get("authorization", "")
        if 'username="user"' in answer:
            return reply(b"welcome")
        challenge = f'Digest realm="r", nonce="n{number}", qop="auth", algorithm=MD5, opaque="o"'
        return reply(b"who?", f"WWW-Authenticate: {challenge}", status="401 Unauthorized")

    def _do_basic(self, _path, _method, headers, *_) -> bytes:
        if headers.get("authorization") == "Basic dXNlcjpwYXNz":
            return reply(b"welcome")
        return reply(b"who?", 'WWW-Authenticate: Basic realm="r"', status="401 Unauthorized")

    def _do_events(self, *_) -> bytes:
        events = [b"event: tick\ndata: %d\n\n" % n for n in range(4)]
        return chunked(*events).replace(
            CHUNKED.encode(), b"Content-Type: text/event-stream\r\n" + CHUNKED.encode()
        )


class Refusing:
    """A port on which connections are refused, and which nobody else gets meanwhile."""

    def __init__(self) -> None:
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port = self._bound.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def close(self) -> None:
        """Free the port."""
        self._bound.close()


class Deaf:
    """A port on which nobody answers: the queue of a listener that never accepts is full."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self._waiting = []
        for _ in range(3):
            waiting = socket.socket()
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(waiting)

    def close(self) -> None:
        """Free the port."""
        for waiting in [*self._waiting, self._listener]:
            waiting.close()
