"""What a run's journal is counted to, whether its lines are decoded or not."""

from __future__ import annotations

import json
import re

import pytest

from recordbake import run_summary
from recordbake.guest.config import GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal
from recordbake.guest.exchange import Failure, Head, Request
from recordbake.recording import Run

NAMES = (
    "tests/test_a.py::test_one",
    'tests/test_a.py::test_b["\\]',
    'tests/ü.py::test[\\\\"]',
    None,
)
URL = 'http://x.example/{}"outcome":"hit"'


def write(run, mode):
    """A journal as guests write it."""
    config = GuestConfig(mode=mode, run="20260101T000000.000000Z-x-1f", shards=str(run.shards))
    journal = Journal(config.as_settings())
    engine = Engine(config, journal)
    journal.process_start(forked=False)
    for number, name in enumerate(NAMES):
        plan = engine.plan(Request("GET", URL.format(number), [], b"", "c"))
        plan.test, plan.phase = name, "call" if number % 2 else None
        if mode != "replay_strict":
            capture = engine.watch(plan)
            capture.head = Head(200, "OK", "1.1", [])
            capture.finish()
        journal.write("test", test=name, phase="call", outcome="passed")
    if mode == "record":
        engine.watch(engine.plan(Request("GET", URL, [], b"", "c"))).fail(Failure("refused"))
    (shard,) = run.shards.glob("*.ndjson")
    return shard.read_bytes().splitlines(keepends=True)


def hits(lines):
    """The same as hits of a replay."""
    for line in lines:
        event = json.loads(line)
        if event["event"] == "request":
            begin = {n: event[n] for n in ("v", "ts", "run", "event", "mode")}
            event = begin | {"outcome": "hit"} | event | {"outcome": "hit"}
            line = json.dumps(event, separators=(",", ":")).encode() + b"\n"  # noqa: PLW2901
        yield line


@pytest.mark.parametrize("mode", ["record", "replay", "replay_strict"])
@pytest.mark.parametrize("as_hits", [False, True])
def test_counts_are_the_same_without_decoding(tmp_path, monkeypatch, mode, as_hits):
    run = Run(tmp_path / "r")
    run.shards.mkdir(parents=True)
    lines = write(run, mode)
    if as_hits:
        lines = list(hits(lines))
    damaged = [line[: len(line) // 2] + b"\n" for line in lines]
    run.journal.write_bytes(b"".join([*lines, *damaged]))
    quick = [line for line in lines if run_summary._COUNTED.match(line)]
    assert len(quick) == (len(NAMES) if as_hits != (mode == "record") else 0)
    found = run_summary.summarise(run)
    monkeypatch.setattr(run_summary, "_COUNTED", re.compile(rb"\b\B"))
    assert found == run_summary.summarise(run)
    assert found.counts["requests"] == len(NAMES) + (mode == "record")
