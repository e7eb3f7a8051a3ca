"""A recording in which every kind of finding is planted once, and a clean one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings import Limits, Upstream
from recordbake.audit.revalidate import Answer
from tests.support.sample import T0, add_run, captured, make_recording, request_event

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.guest.exchange import Captured
    from recordbake.recording import Recording

DAY = 86400
NOW = T0 + 2 * DAY
RECORD = "20260901T000000.000000Z-record-0001"
OLD_REPLAY = "20260902T000000.000000Z-replay-0002"
REPLAY = "20260903T000000.000000Z-replay_strict-0003"

MISSED = "https://api.example.org/missed"
STALE = "https://old.example.org/stale"
UNUSED = "https://files.example.org/unused"
FRESH = [f"https://files.example.org/fresh/{n}" for n in range(4)]
BROKEN = "https://images.example.org/photo.jpg"
DENIED = "https://api.example.org/denied"
RUN_OUT = "https://cdn.example.org/an-hour"
NOISY = "https://api.example.org/noisy"
COPIES = [f"https://mirror-{n}.example.org/copy" for n in (1, 2)]
BIG = "https://files.example.org/big"
CHANGED = "https://files.example.org/changed"
LEAKY = "https://api.example.org/leaky"
TOKEN = "ghp_" + "Abcdefghij1234567890" * 2
#: All that is neither stale nor unused.
FINE = [*FRESH, BROKEN, DENIED, RUN_OUT, *COPIES, BIG, CHANGED, LEAKY]
LIMITS = Limits(oversized=5_000)
COMMAND = ["pytest", "-q", "tests/with space"]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """A journal line that is not a request."""
    return {
        "v": 1,
        "ts": T0,
        "event": kind,
        "mode": "replay_strict",
        "pid": 1,
        "test": None,
    } | fields


def planted_events() -> list[dict[str, Any]]:
    """The latest replay's journal."""
    return [
        event("process_start", python="3.13.0", executable="/usr/bin/python3"),
        *(request_event(url) for url in [*FINE, STALE]),
        *(request_event(NOISY, take=take) for take in (0, 1)),
        request_event(MISSED, "blocked", status=None, reason="uri-miss", ts=T0 + 9, test="t.py::b"),
        request_event(MISSED, "blocked", status=None, reason="uri-miss", ts=T0 + 3, test="t.py::a"),
        request_event(MISSED, "blocked", status=None, reason="uri-miss", ts=T0 + 6, test="t.py::a"),
        request_event("http://127.0.0.1:5000/", "bypass"),
        event("leak", host="192.0.2.1", port=443, what="connect", blocked=True, test="t.py::l"),
        event("gap", python="2.7.18", executable="/usr/bin/python2", reason="unsupported"),
        event("damage", key="0" * 32, message="the value is not ours", test="t.py::d"),
        event("test", test="t.py::a", outcome="passed", phase="call"),
    ]  # fmt: skip


def clean_recording(path: Path) -> Recording:
    """Everything was recorded lately and replayed from the store."""
    recording = make_recording(path, [captured(url, url.encode()) for url in FRESH])
    add_run(recording, RECORD, [request_event(u, "stored") for u in FRESH], mode="record",
            command=COMMAND)  # fmt: skip
    add_run(recording, REPLAY, [request_event(url) for url in FRESH], command=COMMAND)
    return recording


def planted_contents() -> list[Captured]:
    """Answers that are wrong, or larger or more than they need to be."""
    hour = [("Content-Type", "text/plain"), ("Cache-Control", "public, max-age=3600")]
    return [
        captured(BROKEN, b"<!DOCTYPE html><title>Sign in</title>"),
        captured(DENIED, b"denied", status=403),
        captured(RUN_OUT, b"an hour", headers=hour),
        captured(NOISY, b'{"id": 17, "name": "a"}'),
        captured(NOISY, b'{"id": 18, "name": "a"}', recorded_at=T0 + 1),
        *(captured(url, b"c" * 2_000) for url in COPIES),
        captured(BIG, b"b" * 5_000),
        captured(CHANGED, b"changed"),
        captured(LEAKY, json.dumps({"token": TOKEN}).encode()),
    ]


def planted_upstream() -> Upstream:
    """A smaller bake, and an origin that has another answer."""
    key = captured(CHANGED).key
    answer = Answer(key, 0, T0, NOW, "changed", 200, '"a" is "b" now')
    return Upstream({"entries": 5, "body_bytes": 100}, {(key, 0): answer})


def planted_recording(path: Path) -> Recording:
    """One finding of each kind; an older replay's findings must not show."""
    entries = [captured(url, url.encode()) for url in [*FRESH, UNUSED]]
    entries.append(captured(STALE, recorded_at=NOW - 31 * DAY))
    entries += planted_contents()
    recording = make_recording(path, entries)
    failed = {"method": "GET", "url": "https://x.org/429", "test": "t.py::i", "status": 429,
              "reason": "HTTP 429"}  # fmt: skip
    add_run(recording, RECORD, [], mode="record", command=COMMAND, incomplete=[failed])
    gone = [request_event("https://gone.example.org/", "forwarded"), request_event(UNUSED)]
    add_run(recording, OLD_REPLAY, gone, mode="replay")
    add_run(recording, REPLAY, planted_events(), exit_code=10)
    with (recording.runs_dir / REPLAY / "http_log.ndjson").open("a") as journal:
        journal.write('{"v": 1, "ts": 17900\n')
    return recording


def write_journal(recording: Recording, run: str, events: list[dict[str, Any]]) -> None:
    """Replace a run's journal."""
    text = "".join(json.dumps(line) + "\n" for line in events)
    (recording.runs_dir / run / "http_log.ndjson").write_text(text)
