"""Recordings made by hand, for tests of what reads them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from recordbake.guest.exchange import Captured, Failure, Head, Request
from recordbake.guest.keys import host_of, normalise_url, request_key
from recordbake.journal import Outcomes
from recordbake.recording import Recording
from recordbake.rows import Row
from recordbake.store import writing
from recordbake.store_merger import StoreMerger

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_790_000_000.0


def captured(
    url: str,
    body: bytes = b"hello",
    *,
    status: int = 200,
    method: str = "GET",
    test: str | None = "tests/test_a.py::test_one",
    recorded_at: float = T0,
    headers: list[tuple[str, str]] | None = None,
    failure: Failure | None = None,
    shards: Path | None = None,
) -> Captured:
    """An entry; a body over the inline limit is written as a file into ``shards``."""
    request = Request(method, normalise_url(url), [("Accept", "*/*")], b"", "urllib3")
    head = None
    if failure is None:
        head = Head(
            status,
            "OK",
            "1.1",
            headers or [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))],
        )
    entry = Captured(
        key=request_key(request), request=request, head=head,
        body_sha256=hashlib.sha256(body).hexdigest(), body_size=len(body), body=body,
        recorded_at=recorded_at, started=recorded_at, live_ms=12.5, test=test, failure=failure,
    )  # fmt: skip
    if len(body) > 16 * 1024:
        assert shards is not None
        shards.mkdir(parents=True, exist_ok=True)
        entry.body, entry.body_file = b"", entry.body_sha256[:12] + ".body"
        (shards / entry.body_file).write_bytes(body)
    return entry


def make_recording(path: Path, entries: list[Captured], shards: Path | None = None) -> Recording:
    """A recording holding these entries; all their tests passed."""
    recording = Recording(path)
    outcomes = Outcomes(passed={e.test for e in entries if e.test}, ran=set())
    with writing(recording.store) as connection:
        StoreMerger(connection, recording.bodies, shards or path / "none").replace(
            [Row(entry) for entry in entries], outcomes, whole=True
        )
    return recording


def request_event(url: str, outcome: str = "hit", **fields: Any) -> dict[str, Any]:
    """A journal line of event ``request``."""
    request = Request("GET", normalise_url(url), [("Accept", "*/*")], b"", "urllib3")
    event = {
        "v": 1, "ts": T0, "run": "", "event": "request", "mode": "replay_strict", "pid": 1,
        "test": "tests/test_a.py::test_one", "outcome": outcome, "reason": "", "method": "GET",
        "url": request.url, "host": host_of(request.url), "status": 200,
        "from_cache": outcome == "hit", "client": "urllib3", "key": request_key(request), "take": 0,
        "bytes": 5, "elapsed_ms": 1.0, "suspect": False,
    }  # fmt: skip
    return event | fields


def add_run(recording: Recording, run_id: str, events: list[dict[str, Any]], **info: Any) -> None:
    """A finished run with this journal."""
    directory = recording.runs_dir / run_id
    directory.mkdir(parents=True)
    lines = [json.dumps(event | {"run": run_id}) + "\n" for event in events]
    (directory / "http_log.ndjson").write_text("".join(lines))
    defaults = {
        "v": 1, "run": run_id, "mode": "replay_strict", "command": ["pytest", "-q"],
        "started_at": T0, "ended_at": T0 + 5, "command_exit_code": 0, "exit_code": 0,
        "barrier": "process", "counts": {}, "incomplete": [], "versions": {},
    }  # fmt: skip
    (directory / "run.json").write_text(json.dumps(defaults | info))
