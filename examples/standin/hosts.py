"""The plain web: three example.org hosts with what test suites fetch from such."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from standin.message import Request, Response
from standin.representation import part_of, unless_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.message import Handler

DATA = Path(__file__).parent / "data"
ITEMS = [{"id": n, "name": name} for n, name in enumerate(("Zoë", "Grünkohl", "東京"), start=1)]
TABLE = "city,country,inhabitants\nZürich,CH,443000\nGraz,AT,303000\nBari,IT,316000\n"
JOB_STATES = ("queued", "running", "done")


def routes() -> dict[str, Handler]:
    """Each host with its handler; a new call begins with a fresh job."""
    return {
        "images.example.org": images,
        "api.example.org": Api().handle,
        "data.example.org": data,
    }


def not_found() -> Response:
    """The answer for every path nobody planned."""
    return Response.of_json({"error": "not found"}, 404)


def stored(request: Request, kind: str, body: bytes, *, encode: bool = False) -> Response:
    """A file as web servers send it: entity tag, freshness, ranges unless it is encoded."""
    tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    headers = [
        ("Content-Type", kind),
        ("ETag", tag),
        ("Cache-Control", "public, max-age=3600"),
        ("Last-Modified", "Tue, 04 Feb 2025 10:00:00 GMT"),
    ]
    whole = Response(200, headers, body, gzip_text=encode)
    return unless_known(request, whole if encode else part_of(request, whole))


def images(request: Request) -> Response:
    """images.example.org: a photograph, plain and encoded; a redirect; cookies."""
    cat = (DATA / "cat.jpg").read_bytes()
    if request.path == "/cat.jpg":
        return stored(request, "image/jpeg", cat)
    if request.path == "/cat-gzip.jpg":
        # Stored encoded, so sent encoded whatever the client accepts: readers of the raw stream
        # get gzip. (Encoding a JPEG is pointless, which stops nobody.)
        encoded = stored(request, "image/jpeg", gzip.compress(cat, mtime=0))
        encoded.headers.append(("Content-Encoding", "gzip"))
        return encoded
    if request.path == "/redirect":
        return Response.of_text("Found\n", 302, [("Location", "/cat.jpg")])
    if request.path == "/cookies":
        cookies = ("session=s3ss10n; Path=/; HttpOnly", "theme=dark; Path=/; Max-Age=3600")
        return Response.of_text("two cookies\n", headers=[("Set-Cookie", c) for c in cookies])
    return not_found()


class Api:
    """api.example.org, the only host with a memory: the job one polls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0

    def handle(self, request: Request) -> Response:
        """Items, echo, any status, and the job."""
        if request.path == "/items":
            etag = [("ETag", '"items-1"'), ("Cache-Control", "max-age=60")]
            return unless_known(request, Response.of_json(ITEMS, headers=etag))
        if request.path == "/echo" and request.method == "POST":
            return _echo(request)
        if request.path.startswith("/status/"):
            return _status(request.path.removeprefix("/status/"))
        if request.path == "/job":
            return self._job(request)
        return not_found()

    def _job(self, request: Request) -> Response:
        with self._lock:
            if request.method == "POST":
                self._asked = 0
                return Response.of_json({"job": 1}, 202, [("Location", "/job")])
            state = JOB_STATES[min(self._asked, len(JOB_STATES) - 1)]
            self._asked += 1
        return Response.of_json({"job": 1, "state": state}, headers=[("Cache-Control", "no-store")])


def _echo(request: Request) -> Response:
    query = request.target.partition("?")[2]
    # Not the headers: an echo of credentials would end up in recordings.
    answer = {
        "method": request.method,
        "args": parse_qsl(query, keep_blank_values=True),
        "content_type": request.header("Content-Type"),
        "body": request.body.decode("utf-8", "replace"),
    }
    return Response.of_json(answer)


def _status(code: str) -> Response:
    if not (code.isdigit() and 200 <= int(code) <= 599):
        return not_found()
    headers = [("Retry-After", "1")] if code in {"429", "503"} else []
    return Response.of_json({"status": int(code)}, int(code), headers)


def data(request: Request) -> Response:
    """data.example.org: a table, and as many bytes as one wants."""
    if request.path == "/table.csv":
        return stored(request, "text/csv; charset=utf-8", TABLE.encode(), encode=True)
    if request.path == "/large.bin":
        size = request.query.get("size", "1048576")
        if not size.isdigit():
            return Response.of_json({"error": "size is a number of bytes"}, 400)
        kind = [("Content-Type", "application/octet-stream")]
        return Response(200, kind, chunks=large(int(size)), size=int(size))
    return not_found()


def large(size: int, block: int = 64 * 1024) -> Iterator[bytes]:
    """`size` bytes, always the same, not compressible, never all in memory."""
    for number in itertools.count():
        start = number * block
        if start >= size:
            return
        yield hashlib.shake_128(b"large.bin %d" % number).digest(min(block, size - start))
