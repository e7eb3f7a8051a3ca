"""What a finding is, and what all kinds of them are made with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection

#: Every kind of finding with its severity, worst first.
KINDS = {
    "live-miss": "error",
    "leak": "error",
    "incomplete": "error",
    "damaged-entry": "error",
    "secret": "error",
    "suspicious-200": "warning",
    "error-kept": "warning",
    "uncovered": "warning",
    "stale": "warning",
    "stale-upstream": "warning",
    "damaged-journal": "warning",
    "stale-origin": "info",
    "volatile": "info",
    "oversized": "info",
    "duplicate-body": "info",
    "growth": "info",
    "unused": "info",
}
LIVE_MISSES = ("blocked", "forwarded")
REPLAYS = ("replay", "replay_strict")
DAY = 86400.0
RECORD_MISSING = "record what is missing: recordbake record --missing"
RECORD_AGAIN = "record it again: recordbake record --from-audit"


@dataclass(frozen=True)
class Finding:
    """One row of the audit.

    Args:
        kind: one of :data:`KINDS`.
        severity: ``error``, ``warning`` or ``info``.
        subject: what it is about, for people: a request, a process, a run.
        evidence: what shows it, as JSON values; times in UTC (ISO 8601), sizes in bytes.
        tests: identifiers of the tests concerned, sorted.
        action: what to do about it.
    """

    kind: str
    severity: str
    subject: str
    evidence: dict[str, Any] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    action: str = ""


def iso(seconds: float) -> str | None:
    """Unix seconds as ISO 8601 in UTC, to the second; None for a time that is not known."""
    return None if math.isnan(seconds) else _iso(int(seconds))


@lru_cache(maxsize=4096)  # what is recorded together is recorded within few seconds
def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def judged_replays(runs: pd.DataFrame) -> list[str]:
    """The replays that are judged: the latest, or the latest of each shard; oldest first."""
    return [str(run) for run in runs["run"][runs["judged"] & runs["mode"].isin(REPLAYS)]]


def judged_recordings(runs: pd.DataFrame) -> list[str]:
    """The recording runs that are judged, in the same way."""
    return [str(run) for run in runs["run"][runs["judged"] & (runs["mode"] == "record")]]


def of_runs(events: pd.DataFrame, runs: Collection[str]) -> pd.DataFrame:
    """The events of these runs; not copied where there are no others."""
    wanted = events["run"].isin(runs)
    return events if wanted.all() else events[wanted]


def used(replayed: pd.DataFrame, entries: pd.DataFrame) -> pd.Series[bool]:
    """Which entries a replay answered from, aligned with ``entries``."""
    hit = (replayed["outcome"] == "hit") | replayed["from_cache"]
    hit &= replayed["event"] == "request"
    is_first = replayed["take"] <= 0  # nearly all are
    pairs = {(key, 0) for key in replayed.loc[hit & is_first, "key"].unique()}
    others = replayed.loc[hit & ~is_first, ["key", "take"]].drop_duplicates()
    pairs.update(zip(others["key"].astype(object), others["take"], strict=True))
    flags = [pair in pairs for pair in zip(entries["key"], entries["take"], strict=True)]
    answered: pd.Series[bool] = pd.Series(flags, index=entries.index, dtype=bool)
    return answered


def damaged_keys(replayed: pd.DataFrame) -> list[str]:
    """Keys of the entries that replays could not read."""
    return distinct(replayed["key"][replayed["event"] == "damage"])


def recorded_since(events: pd.DataFrame, entries: pd.DataFrame) -> pd.Series[bool]:
    """Which events concern a key that has been recorded after them, aligned with ``events``."""
    about = entries[entries["key"].isin(distinct(events["key"]))]
    newest = about.groupby("key")["recorded_at"].max().to_dict()
    pairs = zip(events["key"].astype(object), events["ts"], strict=True)
    flags = [newest.get(key, 0.0) > ts for key, ts in pairs]
    since: pd.Series[bool] = pd.Series(flags, index=events.index, dtype=bool)
    return since


def grouped(
    kind: str, subject: str, evidence: dict[str, Any], group: pd.DataFrame, action: str
) -> Finding:
    """A finding about several events, with the tests that they name."""
    return Finding(kind, KINDS[kind], subject, evidence, tuple(distinct(group["test"])), action)


def entry_subject(row: Any) -> str:
    """The request of an entry, and which take it is."""
    take = f" (take {row.take})" if row.take else ""
    return f"{row.method} {row.url}{take}"


def entry_evidence(row: Any) -> dict[str, Any]:
    """What shows which entry is meant."""
    return {
        "method": row.method,
        "url": row.url,
        "host": row.host,
        "key": row.key,
        "take": int(row.take),
        "bytes": int(row.body_size),
        "recorded_at": iso(row.recorded_at),
    }


def of_entry(kind: str, row: Any, action: str, **evidence: Any) -> Finding:
    """A finding about one entry, a row of the table of entries."""
    shown = entry_evidence(row) | evidence
    return Finding(kind, KINDS[kind], entry_subject(row), shown, tuple(row.tests), action)


def distinct(column: pd.Series[Any]) -> list[str]:
    """The texts of a column, sorted, each once."""
    return sorted({str(value) for value in column.dropna() if value != ""})


def text(value: Any) -> str:
    """A cell as text; empty where there is nothing."""
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  (NaN)
