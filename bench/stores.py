"""Recordings made without a server: many entries, large bodies, long journals."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

from recordbake.guest.exchange import Captured, Head, Request
from recordbake.guest.keys import request_key
from recordbake.journal import Outcomes
from recordbake.recording import Recording
from recordbake.rows import Row
from recordbake.store import writing
from recordbake.store_merger import StoreMerger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Table -> its columns that name an entry.
_COPIED = {
    "entries": {"key", "response_key"},
    "responses": {"key"},
    "uses": {"key"},
    "identities": {"key"},
}
_PART = 10_000  # entries that are held in memory at once
T0 = 1_790_000_000.0
RUN = "20260921T141320.000000Z-replay_strict-0001"


def _captured(url: str, body: bytes, *, body_file: str | None = None) -> Captured:
    request = Request("GET", url, [("Accept", "*/*")], b"", "http.client")
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    return Captured(
        request_key(request), request, Head(200, "OK", "1.1", fields),
        body_sha256=hashlib.sha256(body).hexdigest(), body_size=len(body),
        body=b"" if body_file else body, body_file=body_file, recorded_at=T0, live_ms=12.5,
    )  # fmt: skip


def _store(path: Path, entries: Iterable[Captured]) -> None:
    recording = Recording(path)
    with writing(recording.store) as connection:
        merger = StoreMerger(connection, recording.bodies, path / "shards")
        merger.replace([Row(c) for c in entries], Outcomes(), whole=True)


def store_of(path: Path, entries: int) -> None:
    """A recording with this many entries of 1 KB, ``http://bench.example/N``."""
    recording, body = Recording(path), b"x" * 1024
    with writing(recording.store) as connection:
        merger = StoreMerger(connection, recording.bodies, path / "shards")
        for start in range(0, entries, _PART):
            part = range(start, min(start + _PART, entries))
            rows = [Row(_captured(f"http://bench.example/{n}", body)) for n in part]
            merger.replace(rows, Outcomes(), whole=True)


def grow(path: Path, entries: int) -> None:
    """Add entries that nobody asks for: copies of one, under keys of their own, made by SQLite."""
    with writing(Recording(path).store) as connection:
        connection.execute(
            "CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
            " SELECT lower(hex(randomblob(16))) AS key FROM n ORDER BY key",
            (entries,),
        )
        for table, changed in _COPIED.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            picked = ", ".join("f.key" if c in changed else f"t.{c}" for c in columns)
            connection.execute(
                f"INSERT INTO {table} SELECT {picked}"
                f" FROM fresh f, (SELECT * FROM {table} LIMIT 1) t ORDER BY f.key"
            )


def bodies_of(path: Path, size: int) -> None:
    """A recording with bodies of this many bytes in total; half of them compress."""
    shards = path / "shards"
    shards.mkdir(parents=True)
    piece = min(4 << 20, size // 4)
    source = random.Random(0)
    text = b"The quick brown fox jumps over the lazy dog, %d times.\n"

    def bodies() -> Iterable[Captured]:
        for n in range(size // piece):
            lines = b"".join(text % source.randrange(10**9) for _ in range(piece // 55))
            body = source.randbytes(piece) if n % 2 else lines
            (shards / f"{n}.body").write_bytes(body)
            yield _captured(f"http://bench.example/{n}", body, body_file=f"{n}.body")

    _store(path, bodies())


def journal_of(path: Path, events: int) -> Path:
    """A recording whose one run has this many hits of 20,000 entries; returns its journal."""
    entries = min(events, 20_000)
    store_of(path, entries)
    directory = path / "runs" / RUN
    directory.mkdir(parents=True)
    keys = [request_key(Request("GET", f"http://bench.example/{n}", [])) for n in range(entries)]
    journal = directory / "http_log.ndjson"
    with journal.open("w", encoding="ascii") as stream:
        for n in range(events):  # as a guest writes a hit
            stream.write(
                f'{{"v":1,"ts":{T0 + n / 1000!r},"run":"{RUN}","event":"request",'
                f'"mode":"replay_strict","outcome":"hit","from_cache":true,"suspect":false,'
                f'"pid":{4711 + n // 200 % 8},"test":"tests/test_a.py::test_{n // 200}","phase":"call",'
                f'"reason":"","method":"GET","url":"http://bench.example/{n % entries}",'
                f'"host":"bench.example","client":"http.client","key":"{keys[n % entries]}",'
                f'"status":200,"take":0,"bytes":1024,"elapsed_ms":{n % 997 / 1000!r}}}\n'
            )
    info = {
        "v": 1, "run": RUN, "mode": "replay_strict", "command": ["pytest"], "started_at": T0,
        "ended_at": T0 + events / 1000, "command_exit_code": 0, "exit_code": 0,
        "barrier": "process", "counts": {}, "incomplete": [], "versions": {},
    }  # fmt: skip
    (directory / "run.json").write_text(json.dumps(info))
    return journal
