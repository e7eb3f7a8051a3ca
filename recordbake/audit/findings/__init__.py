"""What is wrong with a recording: frames in, findings out; nothing is read or written here.

Each finding has a kind (:data:`KINDS`), a subject, its evidence, the tests concerned and what to
do about it. The order of events in a journal never changes a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings import content, entries, traffic, upstream
from recordbake.audit.findings.model import (
    DAY,
    KINDS,
    LIVE_MISSES,
    REPLAYS,
    Finding,
    iso,
    latest_record,
    latest_replay,
    recorded_since,
    used,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recordbake.audit.load import Loaded
    from recordbake.audit.revalidate import Answer
    from recordbake.audit.revisions import MovedRevision

__all__ = [
    "DAY", "KINDS", "LIVE_MISSES", "REPLAYS", "Finding", "Limits", "Upstream", "find", "iso",
    "latest_record", "latest_replay", "recorded_since", "used",
]  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """From where on something is worth a finding: sizes in bytes, growth in percent."""

    oversized: float = 50e6
    growth: float = 10.0


@dataclass(frozen=True)
class Upstream:
    """What is known from outside the recording: the bake made of it, and what the origins say."""

    baked: dict[str, int] | None = None
    answers: dict[tuple[str, int], Answer] = field(default_factory=dict)
    moved: list[MovedRevision] = field(default_factory=list)


def find(
    loaded: Loaded,
    *,
    stale_after_days: float,
    now: float,
    limits: Limits = Limits(),
    known: Upstream = Upstream(),
) -> list[Finding]:
    """All findings, worst kind first, then by subject.

    Args:
        loaded: what :func:`recordbake.audit.load.load` read.
        stale_after_days: age in days from which an entry is stale.
        now: Unix seconds, UTC.
        limits: sizes that are worth a finding.
        known: what is known from outside the recording.
    """
    found = [
        *_of_runs(loaded),
        *_of_ages(loaded, stale_after_days, now),
        *_of_content(loaded, limits),
        *entries.growth(loaded.entries, known.baked, limits.growth),
        *_of_origins(loaded, known),
    ]
    order = list(KINDS)
    return sorted(found, key=lambda f: (order.index(f.kind), f.subject, str(f.evidence)))


def _of_runs(loaded: Loaded) -> Iterator[Finding]:
    events, runs = loaded.events, loaded.runs
    replay = latest_replay(runs)
    current = events[events["run"].isin([replay, latest_record(runs)])]
    replayed = events[events["run"] == replay]
    yield from traffic.live_misses(replayed, loaded.entries)
    yield from traffic.leaks(current)
    yield from traffic.uncovered(current)
    yield from traffic.incomplete(runs)
    yield from traffic.damaged_journals(runs)
    yield from entries.damaged_entries(replayed, loaded.entries)
    if replay is not None:
        started: Any = runs.loc[runs["run"] == replay, "started_at"].iloc[0]
        yield from entries.unused(replayed, loaded.entries, started)


def judged_entries(loaded: Loaded) -> Any:
    """The entries whose age matters: those the latest replay used, all if there was none."""
    replay = latest_replay(loaded.runs)
    if replay is None:
        return loaded.entries
    return loaded.entries[used(loaded.events[loaded.events["run"] == replay], loaded.entries)]


def _of_ages(loaded: Loaded, stale_after_days: float, now: float) -> Iterator[Finding]:
    judged = judged_entries(loaded)
    yield from entries.stale(judged, stale_after_days=stale_after_days, now=now)
    young = judged[~(now - judged["recorded_at"] > stale_after_days * DAY)]
    yield from entries.stale_by_origin(young, now=now)


def _of_content(loaded: Loaded, limits: Limits) -> Iterator[Finding]:
    yield from content.suspicious(loaded.entries)
    yield from content.errors_kept(loaded.entries, loaded.events, loaded.runs)
    yield from content.volatile(loaded.entries)
    yield from content.duplicates(loaded.entries)
    yield from entries.oversized(loaded.entries, least=limits.oversized)


def _of_origins(loaded: Loaded, known: Upstream) -> Iterator[Finding]:
    judged = judged_entries(loaded)
    yield from upstream.stale_upstream(judged, known.answers)
    yield from upstream.moved_revisions(known.moved, loaded.entries)
