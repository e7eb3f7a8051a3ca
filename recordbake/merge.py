"""Folds what hooked processes wrote into the recording: shards into journal and store.

Everything here can be run again: a run whose runner was killed is merged by the next command.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from recordbake.errors import DamagedError
from recordbake.files import copy_atomically
from recordbake.guest import codec
from recordbake.guest.exchange import TRANSIENT_STATUSES, Captured, header
from recordbake.guest.keys import host_of
from recordbake.locks import recording_lock
from recordbake.store import body_path, writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from recordbake.journal import Outcomes
    from recordbake.recording import Recording, Run

#: Response headers that differ between any two answers and mean nothing to a caller.
_NOISE = frozenset(
    {
        "date", "age", "cf-ray", "x-request-id", "x-amzn-requestid", "x-amzn-trace-id",
        "x-amz-request-id", "x-amz-id-2", "x-amz-cf-id", "x-ms-request-id", "x-served-by",
        "x-timer", "x-runtime", "server-timing", "ratelimit", "ratelimit-policy",
    }
)  # fmt: skip
#: Headers that may differ between two runs without the answer being another one.
_VOLATILE = _NOISE | {
    "expires", "via", "connection", "keep-alive", "nel", "report-to", "alt-svc", "cf-cache-status",
    "x-cache", "x-cache-hits", "x-cache-lookup", "retry-after", "set-cookie",
}  # fmt: skip
_VOLATILE_PREFIXES = ("x-ratelimit-", "cf-", "x-amz-cf-", "x-goog-hash", "x-goog-generation")


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


def answer_identity(captured: Captured, *, exact: bool = False) -> str:
    """A digest that is equal for two answers a suite could not tell apart by meaning.

    Args:
        captured: the answer.
        exact: compare what may differ between runs, too.
    """

    def counts(name: str) -> bool:
        if exact:
            return name not in _NOISE
        return name not in _VOLATILE and not name.startswith(_VOLATILE_PREFIXES)

    head, failure = captured.head, captured.failure
    headers = [(name.lower(), value) for name, value in head.headers] if head else []
    parts = (
        None if head is None else (head.status, head.reason, head.version),
        sorted(pair for pair in headers if counts(pair[0])),
        captured.body_sha256,
        None if failure is None else (failure.kind, failure.phase, failure.client),
        captured.vary,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def identities(group: list[Captured]) -> list[str]:
    """What identifies each of one test's answers to one request.

    Between runs two answers are equal if they mean the same. Within one test they are takes of
    their own as soon as anything differs that a test may look at: a cookie, a cache's header.
    """
    if len(group) == 1:  # as mostly
        return [answer_identity(group[0])]
    exact: dict[str, set[str]] = defaultdict(set)
    pairs = [(answer_identity(c), answer_identity(c, exact=True)) for c in group]
    for loose, strict in pairs:
        exact[loose].add(strict)
    return [loose if len(exact[loose]) == 1 else strict for loose, strict in pairs]


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


def drop_unreferenced(connection: sqlite3.Connection) -> None:
    """Delete the entries that no test uses, and what belongs to them but body files."""
    for statement in (
        "DELETE FROM entries WHERE (key, take) NOT IN (SELECT key, take FROM uses)",
        "DELETE FROM identities WHERE (key, take) NOT IN (SELECT key, take FROM entries)",
        "DELETE FROM responses WHERE key NOT IN (SELECT response_key FROM entries)",
    ):
        connection.execute(statement)


def drop_unused_bodies(recording: Recording) -> None:
    """Delete body files that no entry names; call it after the transaction is committed."""
    from recordbake.store import connect_readonly

    connection = connect_readonly(recording.store)
    try:
        named = {row[0] for row in connection.execute("SELECT body_sha256 FROM entries")}
    finally:
        connection.close()
    for path in recording.bodies.glob("*/*"):
        if path.name not in named:
            path.unlink()


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


def drop_entries(recording: Recording, names: Iterable[tuple[str, int]]) -> int:
    """Drop entries, whatever tests use them.

    Args:
        recording: where the store is.
        names: key and take of each; those that are not there are passed over.

    Returns:
        How many were dropped.

    Raises:
        DamagedError: the store is damaged or cannot be written; nothing was changed.
    """
    named = list(names)
    if not named or not recording.store.is_file():
        return 0
    with recording_lock(recording.path, shared=False):
        with writing(recording.store) as connection:
            (before,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            connection.executemany("DELETE FROM uses WHERE key = ? AND take = ?", named)
            drop_unreferenced(connection)
            (after,) = connection.execute("SELECT count(*) FROM entries").fetchone()
        drop_unused_bodies(recording)
    return int(before - after)
