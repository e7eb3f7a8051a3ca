"""What a run's journal says, counted for the verdict and the summary."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from recordbake.journal import Outcomes, bounded_lines, outcomes_of_tests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recordbake.recording import Run

#: How a guest's line of a request begins of which the outcome is all that counts: a hit in a
#: replay, an answer that was stored. Nearly all lines are of these, and decoding them is dear.
_COUNTED = re.compile(
    rb'\{"v":1,"ts":[0-9.]+,"run":"[\w.-]+","event":"request","mode":'
    rb'(?:"replay(?:_strict)?","outcome":"(hit)",'
    rb'|"record","pid":[0-9]+,"test":(?:null|"(?:[^"\\]|\\.)*"),"phase":(?:null|"[a-z]+"),'
    rb'"outcome":"stored",)'
)


@dataclass
class Summary:
    """What a run's journal says, for the verdict and the summary."""

    counts: Counter[str]
    misses: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    damage: list[dict[str, Any]] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    programs: list[dict[str, Any]] = field(default_factory=list)
    #: Tests that are marked to go live, and were skipped.
    not_live: list[str] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Outcomes)
    #: Test -> file (absolute, where pytest knows it) and line (None: not known).
    places: dict[str, tuple[str, int | None]] = field(default_factory=dict)


def summarise(run: Run) -> Summary:
    """Read a run's journal once."""
    counts: Counter[str] = Counter()
    summary = Summary(counts)
    tests: list[dict[str, Any]] = []
    hits: set[str] = set()
    lists = {"leak": summary.leaks, "gap": summary.gaps, "damage": summary.damage,
             "loss": summary.losses, "program": summary.programs, "test": tests}  # fmt: skip
    for line in _lines(run):
        told = _COUNTED.match(line)
        if told and line.endswith(b"}\n"):
            outcome = "hit" if told[1] else "stored"
            counts["requests"] += 1
            counts[outcome] += 1
            continue
        event = _event(line)
        kind = event.get("event")
        if kind == "request":
            outcome = str(event.get("outcome"))
            counts["requests"] += 1
            counts[outcome] += 1
            if outcome in ("forwarded", "blocked"):
                summary.misses.append(event)
            elif outcome == "hit" and event.get("mode") == "record":
                hits.add(str(event.get("key")))
        elif kind == "process_start":
            counts["processes"] += 1
        elif kind in lists:
            lists[kind].append(event)
    counts["leaks"] = len(summary.leaks)
    summary.outcomes = replace(outcomes_of_tests(tests), hits=hits)
    summary.places = {
        str(e.get("test")): (str(e["file"]), e.get("line")) for e in tests if e.get("file")
    }
    counts["tests"] = len(summary.outcomes.ran)
    summary.not_live = sorted(
        {e["test"] for e in tests if e.get("live") and e.get("outcome") == "skipped"}
    )
    return summary


def _lines(run: Run) -> Iterator[bytes]:
    with run.journal.open("rb") as stream:
        yield from bounded_lines(stream)


def _event(line: bytes) -> dict[str, Any]:
    """A line's event; empty where it is damaged."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
