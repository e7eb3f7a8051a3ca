"""Entries by what replays made of them: not read, not asked for; and what the store weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.audit.findings.model import (
    KINDS,
    LIVE_MISSES,
    RECORD_MISSING,
    Finding,
    damaged_keys,
    distinct,
    grouped,
    iso,
    of_entry,
    recorded_since,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def damaged_entries(replayed: pd.DataFrame, entries: pd.DataFrame) -> Iterator[Finding]:
    """Entries that the replay could not read, unless they were recorded again since."""
    found = replayed[replayed["event"] == "damage"]
    found = found[~recorded_since(found, entries)]
    named = entries[entries["key"].isin(distinct(found["key"]))]
    urls = {row.key: f"{row.method} {row.url}" for row in named.itertuples()}
    for key, group in found.groupby("key", observed=True, dropna=False):
        evidence = {
            "key": text(key),
            "messages": distinct(group["message"]),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        subject = urls.get(text(key), text(key))
        yield grouped("damaged-entry", subject, evidence, group, RECORD_MISSING)


def unused(
    replayed: pd.DataFrame, entries: pd.DataFrame, started: float, *, whole: bool
) -> Iterator[Finding]:
    """Entries that the replays did not hit, among those they could have hit.

    One is needless where each of its tests passed without it, or is gone: a test that failed, was
    skipped or missed something may have stopped before it asked. What the Hub cache has, too, tests
    find there and do not ask for: it is kept for one that asks with a cache of its own.

    Args:
        replayed: events of the judged replays.
        entries: the store's entries.
        started: when the first of them started, Unix seconds (UTC); NaN if not known.
        whole: the replays ran what was recorded, so that a test that did not run is gone.
    """
    later = entries["recorded_at"] > started  # false where either is not known
    ran, sound = _tests(replayed)
    unread = entries["key"].isin(damaged_keys(replayed))  # that is why they were not used
    for row in entries[~entries["used"] & ~later & ~unread].itertuples():
        tests = tuple(row.tests)
        if row.held and not (whole and ran.isdisjoint(tests)):
            continue
        needless = all(test in sound if test in ran else whole for test in tests or ("",))
        action = _DROP if needless else _WAIT
        yield of_entry("unused", row, action, needless=needless)


_DROP = "none needed; recordbake record --from-audit drops it"
_WAIT = "look at it again once its tests have run and passed"


def _tests(replayed: pd.DataFrame) -> tuple[set[str], set[str]]:
    """The tests that ran, and those of them that passed and got every answer."""
    ended = replayed[replayed["event"] == "test"]
    ran = set(distinct(ended["test"]))
    failed = set(distinct(ended["test"][ended["outcome"] != "passed"]))
    missed = set(distinct(replayed["test"][replayed["outcome"].isin(LIVE_MISSES)]))
    return ran, ran - failed - missed


def oversized(entries: pd.DataFrame, *, least: float) -> Iterator[Finding]:
    """Entries with bodies of at least ``least`` bytes."""
    for row in entries[entries["body_size"] >= least].itertuples():
        yield of_entry("oversized", row, "let the test fetch less, or raise oversized_mb")


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
