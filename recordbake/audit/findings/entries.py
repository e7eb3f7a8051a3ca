"""Entries by their age, their use and their size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.audit.findings.model import (
    DAY,
    KINDS,
    RECORD_AGAIN,
    RECORD_MISSING,
    Finding,
    distinct,
    entry_evidence,
    entry_subject,
    grouped,
    iso,
    recorded_since,
    text,
    used,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def damaged_entries(replayed: pd.DataFrame, entries: pd.DataFrame) -> Iterator[Finding]:
    """Entries that the replay could not read, unless they were recorded again since."""
    found = replayed[replayed["event"] == "damage"]
    found = found[~recorded_since(found, entries)]
    urls = {row.key: f"{row.method} {row.url}" for row in entries.itertuples()}
    for key, group in found.groupby("key", observed=True, dropna=False):
        evidence = {
            "key": text(key),
            "messages": distinct(group["message"]),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        subject = urls.get(text(key), text(key))
        yield grouped("damaged-entry", subject, evidence, group, RECORD_MISSING)


def stale(judged: pd.DataFrame, *, stale_after_days: float, now: float) -> Iterator[Finding]:
    """Entries older than that many days, among those whose age matters."""
    for row in judged[now - judged["recorded_at"] > stale_after_days * DAY].itertuples():
        days = round((now - float(row.recorded_at)) / DAY, 1)
        evidence = entry_evidence(row) | {"age_days": days}
        yield Finding(
            "stale", KINDS["stale"], entry_subject(row), evidence, row.tests, RECORD_AGAIN
        )


def unused(replayed: pd.DataFrame, entries: pd.DataFrame, started: float) -> Iterator[Finding]:
    """Entries that a replay did not hit, among those it could have hit.

    Args:
        replayed: events of the replay.
        entries: the store's entries.
        started: when the replay started, Unix seconds (UTC); NaN if not known.
    """
    later = entries["recorded_at"] > started  # false where either is not known
    for row in entries[~used(replayed, entries) & ~later].itertuples():
        action = "none needed; a whole recording run drops it if no test asks for it any more"
        yield Finding(
            "unused", KINDS["unused"], entry_subject(row), entry_evidence(row), row.tests, action
        )


def stale_by_origin(judged: pd.DataFrame, *, now: float) -> Iterator[Finding]:
    """Entries whose own Cache-Control or Expires says that they have run out.

    An answer that its origin forbids to keep at all (``no-cache``, ``max-age=0``) says nothing of
    how long it holds and is not named.
    """
    for row in judged[now - judged["recorded_at"] > judged["lifetime"]].itertuples():
        age = round(now - float(row.recorded_at))
        evidence = entry_evidence(row) | {
            "cache_control": text(row.cache_control),
            "lifetime_seconds": round(float(row.lifetime)),
            "age_seconds": age,
        }
        action = "ask whether it has changed: recordbake audit --revalidate"
        yield Finding(
            "stale-origin", KINDS["stale-origin"], entry_subject(row), evidence, row.tests, action
        )


def oversized(entries: pd.DataFrame, *, least: float) -> Iterator[Finding]:
    """Entries with bodies of at least ``least`` bytes."""
    for row in entries[entries["body_size"] >= least].itertuples():
        action = "let the test fetch less, or raise oversized_mb"
        yield Finding(
            "oversized",
            KINDS["oversized"],
            entry_subject(row),
            entry_evidence(row),
            row.tests,
            action,
        )


def growth(
    entries: pd.DataFrame, baked: dict[str, int] | None, percent: float
) -> Iterator[Finding]:
    """That the store has grown by more than that share since it was baked.

    Args:
        entries: the store's entries.
        baked: ``entries`` and ``body_bytes`` of the bake; None where there is none.
        percent: growth of either, in percent, that is no finding.
    """
    if baked is None:
        return
    bodies = entries.drop_duplicates("body_sha256")["body_size"]
    now = {"entries": int(entries["key"].nunique()), "body_bytes": int(bodies.sum())}
    if all(now[name] <= baked[name] * (1 + percent / 100) for name in now):
        return
    added = {f"{name}_added": now[name] - baked[name] for name in now}
    subject = f"the store has grown by {added['entries_added']:,} entries since the bake"
    evidence = {f"{name}_baked": baked[name] for name in now} | now | added
    yield Finding("growth", KINDS["growth"], subject, evidence, (), "bake again: recordbake bake")
