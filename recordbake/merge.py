"""Folds what hooked processes wrote into the recording: shards into journal and store.

Everything here can be run again: a run whose runner was killed is merged by the next command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recordbake.dropping import drop_unused_bodies
from recordbake.gathering import Gathering
from recordbake.guest.exchange import TRANSIENT_STATUSES, Captured
from recordbake.store import writing
from recordbake.store_merger import StoreMerger

if TYPE_CHECKING:
    import sqlite3

    from recordbake.journal import Outcomes
    from recordbake.recording import Recording, Run


def _why_suspect(captured: Captured) -> str:
    head, failure = captured.head, captured.failure
    if head is not None and head.status in TRANSIENT_STATUSES:
        return f"HTTP {head.status}"
    return failure.kind if failure else "nothing"


def incomplete(captured: list[Captured], outcomes: Outcomes) -> list[dict[str, Any]]:
    """Requests that got no good answer in this run and that no passing test vouches for."""
    answered = {c.key for c in captured if not c.suspect}
    missing: dict[tuple[str, str | None], dict[str, Any]] = {}
    for c in captured:
        if c.suspect and c.key not in answered and c.test not in outcomes.passed:
            missing[c.key, c.test] = {
                "method": c.request.method,
                "url": c.request.url,
                "test": c.test,
                "status": None if c.head is None else c.head.status,
                "reason": _why_suspect(c),
            }
    return list(missing.values())


def merge_entries(  # noqa: PLR0913
    recording: Recording, run: Run, outcomes: Outcomes, *, whole: bool, authorized: bool = False,
    refetched: frozenset[str] = frozenset(), gathered: Gathering | None = None,
) -> list[Captured]:  # fmt: skip
    """Fold a recording run's entries into the store.

    Args:
        recording: where the store is.
        run: the run, with its shards.
        outcomes: which of its tests ran and passed.
        whole: see :meth:`StoreMerger.replace`.
        refetched: see :meth:`StoreMerger.replace`.
        authorized: the run had a Hub token; a replay then lets the Hub's client send one too.
        gathered: what was read of the shards while the run went on.

    Returns:
        The entries, in the order they were recorded.

    Raises:
        DamagedError: a shard or the store is damaged, or the disk is full; nothing was changed.
    """
    rows = (gathered or Gathering(run.shards)).rows()
    captured = [row.captured for row in rows]
    mark = f"merged {run.id}"
    with writing(recording.store) as connection:  # a suite without requests has a store, too
        if not whole and _has(connection, mark):
            return captured  # by a runner that was killed before it could delete the shards
        StoreMerger(connection, recording.bodies, run.shards).replace(
            rows, outcomes, whole=whole, refetched=refetched
        )
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('authorized', ?)", (int(authorized),)
        )
        if not whole:  # a second time, its answers would come after those of the first
            connection.execute("INSERT INTO meta VALUES (?, 1)", (mark,))
    drop_unused_bodies(recording)
    return captured


def _has(connection: sqlite3.Connection, mark: str) -> bool:
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (mark,)).fetchone() is not None


def forget_merge(recording: Recording, run: Run) -> None:
    """The run's shards are deleted, so it cannot be merged again; its mark may go."""
    with writing(recording.store) as connection:
        connection.execute("DELETE FROM meta WHERE name = ?", (f"merged {run.id}",))
