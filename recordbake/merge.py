"""Folds what hooked processes wrote into the recording: shards into journal and store.

Everything here can be run again: a run whose runner was killed is merged by the next command.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from recordbake.dropping import drop_unreferenced, drop_unused_bodies
from recordbake.errors import DamagedError
from recordbake.files import copy_atomically
from recordbake.guest import codec
from recordbake.guest.exchange import TRANSIENT_STATUSES, Captured, header
from recordbake.guest.keys import host_of
from recordbake.sameness import identities
from recordbake.store import body_path, writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.journal import Outcomes
    from recordbake.recording import Recording, Run


def _read_shard(path: Path) -> list[Captured]:
    try:
        with path.open("rb") as stream:
            return list(codec.read_records(stream))
    except codec.CodecError as error:
        raise DamagedError(
            str(error), where=path, next_step="delete it and record again"
        ) from error


def read_captured(run: Run) -> list[Captured]:
    """All entries a run's processes wrote, in the order they were recorded.

    Raises:
        DamagedError: a shard is damaged in the middle.
    """
    found: list[Captured] = []
    for path in sorted(run.shards.glob("*.entries")):
        found.extend(_read_shard(path))
    found.sort(key=lambda captured: captured.started)
    return found


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


class StoreMerger:
    """Writes one run's entries into the store, within one transaction.

    Args:
        connection: from :func:`recordbake.store.writing`.
        bodies: the store's body directory.
        shards: the run's shard directory, from where large bodies are moved.
    """

    def __init__(self, connection: sqlite3.Connection, bodies: Path, shards: Path) -> None:
        self.connection = connection
        self.bodies = bodies
        self.shards = shards

    def replace(
        self,
        captured: list[Captured],
        outcomes: Outcomes,
        *,
        whole: bool,
        refetched: frozenset[str] = frozenset(),
    ) -> None:
        """Let this run's answers replace what the same tests had recorded.

        Args:
            captured: the run's entries in time order.
            outcomes: which tests ran and passed.
            whole: the run asked for everything (not only what was missing), so a test that passed
                no longer uses what it did not ask for.
            refetched: keys that were asked for anew; what all tests had of them is replaced as
                soon as there is a good answer. A test that passed with one of them no longer uses
                what nobody asked for now: where the old answer led to, for one.
        """
        groups: dict[tuple[str, str], list[Captured]] = defaultdict(list)
        for c in captured:
            groups[c.key, c.test or ""].append(c)
        if whole:
            self._forget_unasked(outcomes.passed, lambda key, test: (key, test) in groups)
        else:  # a fixture's requests may be another test's where only some of them run
            asked = outcomes.hits | {key for key, _ in groups}
            anew = {test for key, test in groups if key in refetched}
            self._forget_unasked(outcomes.passed & anew, lambda key, _: key in asked)
        for (key, test), takes in groups.items():
            if key in refetched and (test in outcomes.passed or not any(c.suspect for c in takes)):
                self.connection.execute("DELETE FROM uses WHERE key = ?", (key,))
        for (key, test), takes in groups.items():
            good = test in outcomes.passed or not any(c.suspect for c in takes)
            if not good and self._has_good(key, test):
                continue  # a failing network never replaces good answers
            first = 0 if whole else self._last_kept(key, test) + 1
            if whole:
                self.connection.execute("DELETE FROM uses WHERE key = ? AND test = ?", (key, test))
            for n, (c, identity) in enumerate(zip(takes, identities(takes), strict=True), first):
                self.connection.execute(
                    "INSERT INTO uses VALUES (?, ?, ?, ?, ?)",
                    (key, test, c.attempt, n, self._take(c, identity)),
                )
        drop_unreferenced(self.connection)

    def _forget_unasked(self, tests: set[str], is_asked: Callable[[str, str], bool]) -> None:
        for test in tests:
            rows = self.connection.execute("SELECT DISTINCT key FROM uses WHERE test = ?", (test,))
            for (key,) in rows.fetchall():
                if not is_asked(key, test):
                    self.connection.execute(
                        "DELETE FROM uses WHERE key = ? AND test = ?", (key, test)
                    )

    def _last_kept(self, key: str, test: str) -> int:
        """Make room for answers that were missing, and keep those the run had; -1 for none."""
        self.connection.execute(
            "DELETE FROM uses WHERE key = ? AND test = ? AND take IN"
            " (SELECT take FROM entries WHERE key = ? AND (suspect OR failure IS NOT NULL))",
            (key, test, key),
        )
        row = self.connection.execute(
            "SELECT coalesce(max(n), -1) FROM uses WHERE key = ? AND test = ?", (key, test)
        ).fetchone()
        return int(row[0])

    def _has_good(self, key: str, test: str) -> bool:
        return (
            self.connection.execute(
                "SELECT 1 FROM uses JOIN entries USING (key, take)"
                " WHERE key = ? AND uses.test = ? AND NOT suspect",
                (key, test),
            ).fetchone()
            is not None
        )

    def _take(self, c: Captured, identity: str) -> int:
        """The number of the take that holds this answer, refreshed or added."""
        rows = self.connection.execute(
            "SELECT take, identity FROM entries JOIN identities USING (key, take) WHERE key = ?"
            " ORDER BY take",
            (c.key,),
        ).fetchall()
        take = next((t for t, i in rows if i == identity), None)
        if take is None:
            take = rows[-1][0] + 1 if rows else 0
        self._keep_body(c)
        self._write(c, take)
        self.connection.execute(
            "INSERT OR REPLACE INTO identities VALUES (?, ?, ?)", (c.key, take, identity)
        )
        return int(take)

    def _keep_body(self, c: Captured) -> None:
        if c.body_file is None:
            return
        target = body_path(self.bodies, c.body_sha256)
        source = self.shards / c.body_file
        if target.exists():
            return  # an equal body is there already, or this merge is being repeated
        target.parent.mkdir(parents=True, exist_ok=True)
        # A link, not a move: should the transaction fail, the shard is still whole.
        try:
            target.hardlink_to(source)
        except OSError:
            copy_atomically(source, target)

    def _write(self, c: Captured, take: int) -> None:
        response_key = c.key if take == 0 else f"{c.key}-{take}"
        head = c.head
        headers = head.headers if head else []
        row = (
            c.key, take, response_key, c.request.method, c.request.url, host_of(c.request.url),
            head.status if head else None, header(headers, "content-type"),
            header(headers, "content-encoding"), c.body_size, c.body_sha256,
            header(headers, "etag"), header(headers, "last-modified"),
            header(headers, "cache-control"), c.recorded_at, c.request.client, c.test, c.live_ms,
            json.dumps(c.vary) if c.vary else None,
            json.dumps(c.failure.as_dict()) if c.failure else None, int(c.suspect),
        )  # fmt: skip
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT OR REPLACE INTO entries VALUES ({marks})", row)  # noqa: S608
        if head is not None:
            self.connection.execute(
                "INSERT OR REPLACE INTO responses (key, value, expires) VALUES (?, ?, NULL)",
                (response_key, codec.encode_value(c)),
            )


def merge_entries(  # noqa: PLR0913
    recording: Recording, run: Run, outcomes: Outcomes, *, whole: bool, authorized: bool = False,
    refetched: frozenset[str] = frozenset(),
) -> list[Captured]:  # fmt: skip
    """Fold a recording run's entries into the store.

    Args:
        recording: where the store is.
        run: the run, with its shards.
        outcomes: which of its tests ran and passed.
        whole: see :meth:`StoreMerger.replace`.
        refetched: see :meth:`StoreMerger.replace`.
        authorized: the run had a Hub token; a replay then lets the Hub's client send one too.

    Returns:
        The entries, in the order they were recorded.

    Raises:
        DamagedError: a shard or the store is damaged, or the disk is full; nothing was changed.
    """
    captured = read_captured(run)
    mark = f"merged {run.id}"
    with writing(recording.store) as connection:  # a suite without requests has a store, too
        if not whole and _has(connection, mark):
            return captured  # by a runner that was killed before it could delete the shards
        StoreMerger(connection, recording.bodies, run.shards).replace(
            captured, outcomes, whole=whole, refetched=refetched
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
