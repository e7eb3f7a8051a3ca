"""What is wrong with a recording: frames in, findings out; nothing is read or written here.

Each finding has a kind (:data:`KINDS`), a subject, its evidence, the tests concerned and what to
do about it. The order of events in a journal never changes a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings import ages, content, traffic, use
from recordbake.audit.findings.model import (
    DAY,
    KINDS,
    LIVE_MISSES,
    REPLAYS,
    Finding,
    iso,
    judged_recordings,
    judged_replays,
    of_runs,
    recorded_since,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from recordbake.audit.load import Loaded
    from recordbake.audit.revalidate import Answer
    from recordbake.audit.revisions import MovedRevision

__all__ = [
    "DAY", "KINDS", "LIVE_MISSES", "REPLAYS", "Finding", "Limits", "Upstream", "find", "iso",
    "judged_entries", "judged_recordings", "judged_replays", "recorded_since", "text",
]  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What is worth a finding.

    Args:
        oversized: size of a body in bytes from which it is.
        growth: growth since the bake, in percent, from which it is.
        accepted: digests of secrets that are none.
    """

    oversized: float = 50e6
    growth: float = 10.0
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Upstream:
    """What is known from outside the recording.

    Args:
        baked: ``entries`` and ``body_bytes`` of the bake made of it.
        answers: what the origins say, by key and take; None where they were not asked.
        moved: branches and tags of the Hub that point to other commits now.
    """

    baked: dict[str, int] | None = None
    answers: dict[tuple[str, int], Answer] | None = None
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
        *_of_ages(loaded, known, stale_after_days, now),
        *_of_content(loaded, limits),
        *use.growth(loaded.entries, known.baked, limits.growth),
    ]
    order = {kind: n for n, kind in enumerate(KINDS)}
    ordered: list[Finding] = []
    # Evidence as text is dear, and tells few apart.
    for _, same in groupby(sorted(found, key=lambda f: (order[f.kind], f.subject)), _named):
        alike = list(same)
        ordered += alike if len(alike) == 1 else sorted(alike, key=lambda f: str(f.evidence))
    return ordered


def _named(finding: Finding) -> tuple[str, str]:
    return finding.kind, finding.subject


def _of_runs(loaded: Loaded) -> Iterator[Finding]:
    events, runs = loaded.events, loaded.runs
    replays = judged_replays(runs)
    current = of_runs(events, [*replays, *judged_recordings(runs)])
    replayed = of_runs(events, replays)
    kept = of_runs(events, list(runs["run"][runs["mode"].isin(REPLAYS)]))
    yield from traffic.live_misses(replayed, loaded.entries, kept)
    yield from traffic.leaks(current)
    yield from traffic.uncovered(current)
    yield from traffic.incomplete(runs)
    yield from traffic.damaged_journals(runs)
    yield from use.damaged_entries(replayed, loaded.entries)
    if replays:
        # What was recorded after the first of several had begun could not be used by that one.
        started = float(runs.loc[runs["run"].isin(replays), "started_at"].min())
        yield from use.unused(replayed, loaded.entries, started, whole=_are_whole(runs))


def judged_entries(loaded: Loaded) -> Any:
    """The entries whose age matters: those the judged replays used, all if there was none."""
    return loaded.entries[loaded.entries["used"]] if judged_replays(loaded.runs) else loaded.entries


def _are_whole(runs: pd.DataFrame) -> bool:
    """Whether the judged replays ran all the commands that were recorded, to a good end."""
    replays = runs[runs["run"].isin(judged_replays(runs))]
    recorded = set(runs["command"][runs["run"].isin(judged_recordings(runs))])
    ended_well = bool((replays["command_exit_code"] == 0).all())
    return ended_well and bool(recorded) and recorded <= set(replays["command"])


def _of_ages(
    loaded: Loaded, known: Upstream, stale_after_days: float, now: float
) -> Iterator[Finding]:
    judged = judged_entries(loaded)
    yield from ages.stale(judged, stale_after_days=stale_after_days, now=now)
    young = judged[~(now - judged["recorded_at"] > stale_after_days * DAY)]
    yield from ages.stale_by_origin(young, known.answers, now=now)
    yield from ages.stale_upstream(judged, known.answers or {})
    yield from ages.moved_revisions(known.moved, loaded.entries)


def _of_content(loaded: Loaded, limits: Limits) -> Iterator[Finding]:
    yield from content.secrets(loaded.entries, limits.accepted)
    yield from content.suspicious(loaded.entries)
    yield from content.errors_kept(loaded.entries, loaded.events, loaded.runs)
    yield from content.volatile(loaded.entries)
    yield from content.duplicates(loaded.entries)
    yield from use.oversized(loaded.entries, least=limits.oversized)
