"""A loopback server that answers each request with one send: ``python -m bench.server``.

The standard library's server writes head and body apart, which costs 40 ms a request (Nagle's
algorithm against delayed acknowledgements) and would flatter any cache a hundredfold.

It prints its port. ``/SIZE/anything`` has a body of SIZE bytes; ``/SIZE/N/chunked`` of N times
SIZE bytes, chunked; ``/missing/…`` is a 404.
"""

from __future__ import annotations

import asyncio


class Answers(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; requests have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end], self.received[end + 4 :]
            method, target, _ = head[: head.index(b"\r\n")].split(b" ")
            self.transport.write(_answer(method, target.decode()))  # type: ignore[attr-defined]


_BODIES: dict[int, bytes] = {}


def body_of(size: int) -> bytes:
    """The body of that many bytes: text, the same each time."""
    if size not in _BODIES:
        line = b"The quick brown fox jumps over the lazy dog, %08d times.\n"
        count = size // 55 + 1
        _BODIES[size] = b"".join(line % n for n in range(count))[:size]
    return _BODIES[size]


def _answer(method: bytes, target: str) -> bytes:
    size = target.split("/")[1]
    if size == "stop":
        asyncio.get_running_loop().stop()
    body = body_of(int(size)) if size.isdigit() else b"missing"
    status = b"200 OK" if size.isdigit() else b"404 Not Found"
    head = (
        b"HTTP/1.1 %b\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
        b'Content-Type: text/plain; charset=utf-8\r\nETag: "%d"\r\n'
        b"Cache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n" % (status, len(body), len(body))
    )
    return head if method == b"HEAD" else head + body


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
