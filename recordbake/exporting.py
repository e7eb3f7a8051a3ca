"""A recording as a HAR file, for the tools of browsers: HTTP Archive 1.2.

Source: http://www.softwareishard.com/blog/har-12-spec/. A HAR holds bodies decoded; what is not
text stands in base64. Request bodies are not kept by recordings, so they are not in it either.
"""

from __future__ import annotations

import base64
import json
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from recordbake import __version__
from recordbake.codings import UnknownCodingError, codings, decoded
from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.files import write_atomically
from recordbake.guest import codec
from recordbake.guest.exchange import Headers, header
from recordbake.store import body_path, connect_readonly

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from recordbake.recording import Recording
    from recordbake.show import Shown

#: More of a body than this is left out: a page with it would not open.
_MOST = 16 * 1024 * 1024


def write_har(recording: Recording, entries: Iterable[Shown], path: Path) -> int:
    """Write takes as a HAR file, in the order they were recorded; returns how many.

    Args:
        recording: where they are.
        entries: from :func:`recordbake.show.select`.
        path: the file; written whole or not at all.

    Raises:
        DamagedError: a body is missing.
    """
    ordered = sorted(entries, key=lambda entry: entry.recorded_at)
    with closing(connect_readonly(recording.store)) as connection:
        made = [_entry(entry, _body(recording, connection, entry)) for entry in ordered]
    creator = {"name": "recordbake", "version": __version__}
    har = {"log": {"version": "1.2", "creator": creator, "entries": made}}
    write_atomically(path, json.dumps(har, indent=1).encode())
    return len(made)


def _body(recording: Recording, connection: sqlite3.Connection, entry: Shown) -> bytes:
    if not entry.body_size or entry.status is None or entry.body_size > _MOST:
        return b""
    row = connection.execute(
        "SELECT value FROM responses JOIN entries ON responses.key = response_key"
        " WHERE entries.key = ? AND take = ?",
        (entry.key, entry.take),
    ).fetchone()
    data = codec.decode_value(row[0])[2]
    if data is not None:
        return data
    path = body_path(recording.bodies, entry.body_sha256)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DamagedError(
            f"a body is missing: {error.strerror}",
            where=path,
            next_step=RECORD_AGAIN,
        ) from error


def _entry(entry: Shown, body: bytes) -> dict[str, Any]:
    when = datetime.fromtimestamp(entry.recorded_at, tz=timezone.utc)
    parts = urlsplit(entry.url)
    made: dict[str, Any] = {
        "startedDateTime": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": entry.live_ms,
        "request": {
            "method": entry.method,
            "url": entry.url,
            "httpVersion": _version(entry),
            "cookies": [],
            "headers": _fields(entry.request_headers),
            "queryString": [
                {"name": name, "value": value}
                for name, value in parse_qsl(parts.query, keep_blank_values=True)
            ],
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": entry.status or 0,
            "statusText": entry.reason,
            "httpVersion": _version(entry),
            "cookies": [],
            "headers": _fields(entry.headers),
            "content": _content(entry, body),
            "redirectURL": header(entry.headers, "location") or "",
            "headersSize": -1,
            "bodySize": entry.body_size,
        },
        "cache": {},
        "timings": {"send": 0, "wait": entry.live_ms, "receive": 0},
        "_take": entry.take,
        "_tests": entry.tests,
    }
    if entry.failure:
        made["response"]["_error"] = f"{entry.failure['kind']}: {entry.failure['message']}"
    return made


def _version(entry: Shown) -> str:
    return f"HTTP/{entry.version or '1.1'}"


def _fields(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _content(entry: Shown, body: bytes) -> dict[str, Any]:
    content: dict[str, Any] = {
        "size": entry.body_size,
        "mimeType": header(entry.headers, "content-type") or "",
    }
    if entry.body_size > _MOST:
        return content | {"comment": f"left out: larger than {_MOST} bytes"}
    plain = _decoded(body, entry.headers)
    if plain is None:
        return content | {"text": base64.b64encode(body).decode(), "encoding": "base64",
                          "comment": "still in its content coding"}  # fmt: skip
    content["size"] = len(plain)
    try:
        return content | {"text": plain.decode()}
    except UnicodeDecodeError:
        return content | {"text": base64.b64encode(plain).decode(), "encoding": "base64"}


def _decoded(body: bytes, headers: Headers) -> bytes | None:
    """The body without its content coding; None where that cannot be had here."""
    names = codings(header(headers, "content-encoding") or "")
    if not names or not body:
        return body
    plain = bytearray()
    try:
        for piece in decoded([body], names):
            plain += piece
            if len(plain) > _MOST:
                return None
    except UnknownCodingError:
        return None
    return bytes(plain) or None
