"""A server that speaks HTTP/2 over TLS: hypercorn, with a small application."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.support.origin import TEXT

_HEADERS = [(b"x-twice", b"1"), (b"x-twice", b"2"), (b"set-cookie", b"a=1; Path=/")]
_PIECES = [b"one", b"two" * 10, b"three"]
#: Path -> (status, fields, body in pieces)
_ANSWERS = {
    "/text": (200, [(b"content-type", b"text/plain")], [TEXT]),
    "/headers": (200, _HEADERS, [b"x"]),
    "/gzip": (200, [(b"content-encoding", b"gzip")], [gzip.compress(TEXT, mtime=0)]),
    "/pieces": (200, [], _PIECES),
    "/redirect": (302, [(b"location", b"/text")], [b""]),
    "/nothing": (204, [], [b""]),
}


async def application(scope, receive, send) -> None:
    """An ASGI application."""
    if scope["type"] == "lifespan":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    version = scope["http_version"].encode()
    default = (404, [], [b"HTTP/%b %b " % (version, scope["method"].encode()), body])
    status, headers, pieces = _ANSWERS.get(scope["path"], default)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0.02)  # so that each is a frame of its own
    await send({"type": "http.response.body", "body": b""})


class Http2Origin:
    """``with Http2Origin(certificate): origin.url``.

    Args:
        certificate: path of a file with key and certificate chain for ``localhost``.
    """

    def __init__(self, certificate: str) -> None:
        self._config = Config()
        self._config.certfile = self._config.keyfile = certificate
        self._config.include_date_header = False
        self._config.accesslog = self._config.errorlog = None
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{listener.getsockname()[1]}"
        self._config.bind = [f"fd://{listener.detach()}"]  # hypercorn closes it
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)  # tasks that its shutdown cancels
        self._loop.run_until_complete(
            serve(application, self._config, shutdown_trigger=self._stop.wait)
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
