"""The proxy: CONNECT and TLS termination for the hosts that are played, 502 for all others."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, BinaryIO

from standin.message import (
    BadRequest,
    HangUp,
    Request,
    Response,
    encode,
    header,
    read_body,
    read_request,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from standin.certificates import Authority
    from standin.ledger import Ledger
    from standin.message import Handler


class Proxy(socketserver.ThreadingTCPServer):
    """Listens on a free port of the loopback interface; one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    # Suites open many connections at once; the default of 5 makes some wait a second.
    request_queue_size = 256

    def __init__(self, routes: Mapping[str, Handler], authority: Authority, ledger: Ledger) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.routes = routes
        self.authority = authority
        self.ledger = ledger
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """The port the system has chosen."""
        return int(self.server_address[1])

    @contextlib.contextmanager
    def serving(self, connection: socket.socket) -> Iterator[None]:
        """Remember a connection while it is served, so that stopping can end it."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def hang_up(self) -> None:
        """End kept-alive connections: their threads wait for a next request that won't come."""
        with self._lock:
            for connection in self._open:
                _shut(connection)


class Connection(socketserver.BaseRequestHandler):
    """One client connection: perhaps a CONNECT, then requests until somebody closes."""

    server: Proxy

    def handle(self) -> None:
        """Serve until the client leaves; that it does so abruptly is no error."""
        plain: socket.socket = self.request
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.ledger.connected()
        # OSError: resets, a client that does not trust the authority, our own stopping.
        with contextlib.suppress(OSError, HangUp), self.server.serving(plain):
            self._begin(plain)

    def _begin(self, plain: socket.socket) -> None:
        with plain.makefile("rb") as stream:
            request = _next(plain, stream, "http", "")
            if request is None or request.method != "CONNECT":
                self._serve(plain, stream, request, "")
                return
        host = request.target.rpartition(":")[0].strip("[]").lower()
        if host not in self.server.routes:
            self.server.ledger.served("CONNECT", host, "-", 502)
            _send(plain, request, _unknown(host))
            return
        plain.sendall(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        context = self.server.authority.context(host)
        # Wrapping takes the descriptor away from `plain`: from here on `secure` is served.
        with (
            context.wrap_socket(plain, server_side=True) as secure,
            self.server.serving(secure),
            secure.makefile("rb") as inner,
        ):
            self._serve(secure, inner, _next(secure, inner, "https", host), host)

    def _serve(
        self, connection: socket.socket, stream: BinaryIO, request: Request | None, host: str
    ) -> None:
        scheme = "https" if host else "http"
        while request is not None and self._exchange(connection, request):
            request = _next(connection, stream, scheme, host)

    def _exchange(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; tells whether the connection goes on."""
        note = self.server.ledger.served
        try:
            response = self.server.routes.get(request.host, _unknown_host)(request)
        except HangUp:
            note(request.method, request.host, request.target, 0)
            raise
        note(request.method, request.host, request.target, response.status)
        _send(connection, request, response)
        if response.cut is not None:
            return False
        wishes = (request.header("Connection"), header(response.headers, "Connection"))
        return all(wish.lower() != "close" for wish in wishes)


def _next(connection: socket.socket, stream: BinaryIO, scheme: str, host: str) -> Request | None:
    """Read the next request whole; what is none is told so, and ends the connection."""
    try:
        request = read_request(stream, scheme, host)
        if request is not None:
            if request.header("Expect").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.body = read_body(stream, request.headers)
    except (BadRequest, ValueError) as error:
        nothing = Request("GET", scheme, host, "/", [])
        _send(connection, nothing, Response.of_text(f"{error}\n", 400, [("Connection", "close")]))
        return None
    return request


def _send(connection: socket.socket, request: Request, response: Response) -> None:
    for buffer in encode(request, response):
        connection.sendall(buffer)


def _unknown_host(request: Request) -> Response:
    return _unknown(request.host)


def _unknown(host: str) -> Response:
    return Response.of_text(f"The stand-in does not play {host}.\n", 502, [("Connection", "close")])


def _shut(connection: socket.socket) -> None:
    # `shutdown` wakes the thread that reads; `close` alone would leave it waiting. On the class:
    # the one of a TLS socket would first forget TLS under the thread that is using it.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
