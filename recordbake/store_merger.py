"""One run's answers in the place of what was recorded before of the same requests."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from recordbake.dropping import drop_unreferenced
from recordbake.files import copy_atomically
from recordbake.sameness import identities
from recordbake.store import ENTRY_COLUMNS, body_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.guest.exchange import Captured
    from recordbake.journal import Outcomes
    from recordbake.rows import Row


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
        self._is_new = True
        self._takes: dict[str, _Takes] = {}

    def replace(
        self,
        rows: list[Row],
        outcomes: Outcomes,
        *,
        whole: bool,
        refetched: frozenset[str] = frozenset(),
    ) -> None:
        """Let this run's answers replace what the same tests had recorded.

        Args:
            rows: the run's answers in time order.
            outcomes: which tests ran and passed.
            whole: the run asked for everything (not only what was missing), so a test that passed
                no longer uses what it did not ask for.
            refetched: keys that were asked for anew; what all tests had of them is replaced as
                soon as there is a good answer. A test that passed with one of them no longer uses
                what nobody asked for now: where the old answer led to, for one.
        """
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            groups[row.captured.key, row.captured.test or ""].append(row)
        self._is_new, self._takes = self._holds_nothing(), {}
        if not self._is_new:
            self._make_room(groups, outcomes, whole=whole, refetched=refetched)
        uses = []
        for (key, test), group in groups.items():
            first = self._first(key, test, group, outcomes, whole=whole)
            if first is None:
                continue
            found = identities([row.captured for row in group], [row.identity for row in group])
            for n, (row, identity) in enumerate(zip(group, found, strict=True), first):
                uses.append((key, test, row.captured.attempt, n, self._take(row, identity)))
        self._write(uses)
        if not self._is_new:
            drop_unreferenced(self.connection)

    def _holds_nothing(self) -> bool:
        """Whether the store is a new one, of which nothing need be asked."""
        found = "SELECT EXISTS (SELECT 1 FROM uses) OR EXISTS (SELECT 1 FROM entries)"
        return not self.connection.execute(found).fetchone()[0]

    def _make_room(
        self, groups: dict[tuple[str, str], list[Row]], outcomes: Outcomes, *, whole: bool,
        refetched: frozenset[str],
    ) -> None:  # fmt: skip
        """Drop the uses that this run ends; see :meth:`replace`."""
        if whole:
            self._forget_unasked(outcomes.passed, lambda key, test: (key, test) in groups)
        else:  # a fixture's requests may be another test's where only some of them run
            asked = outcomes.hits | {key for key, _ in groups}
            anew = {test for key, test in groups if key in refetched}
            self._forget_unasked(outcomes.passed & anew, lambda key, _: key in asked)
        for (key, test), group in groups.items():
            if key in refetched and _is_good(group, test, outcomes):
                self.connection.execute("DELETE FROM uses WHERE key = ?", (key,))

    def _first(
        self, key: str, test: str, group: list[Row], outcomes: Outcomes, *, whole: bool
    ) -> int | None:
        """The number of the first answer of a test to a request; None where none is kept."""
        if self._is_new:
            return 0
        if not _is_good(group, test, outcomes) and self._has_good(key, test):
            return None  # a failing network never replaces good answers
        if not whole:
            return self._last_kept(key, test) + 1
        self.connection.execute("DELETE FROM uses WHERE key = ? AND test = ?", (key, test))
        return 0

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

    def _take(self, row: Row, identity: str) -> int:
        """The number of the take that holds this answer, refreshed or added."""
        key = row.captured.key
        takes = self._takes.get(key)
        if takes is None:
            takes = self._takes[key] = _Takes([] if self._is_new else self._known(key))
        self._keep_body(row.captured)
        return takes.add(row, identity)

    def _known(self, key: str) -> list[tuple[int, str]]:
        return self.connection.execute(
            "SELECT take, identity FROM entries JOIN identities USING (key, take) WHERE key = ?"
            " ORDER BY take",
            (key,),
        ).fetchall()

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

    def _write(self, uses: list[tuple[str, str, int, int, int]]) -> None:
        """Write all at once: answers in the order of asking, which a replay reads ahead in.

        The other tables are indexes of themselves, which grow fastest in their own order.
        """
        new = [
            (key, take, key if take == 0 else f"{key}-{take}", row, identity)
            for key, takes in self._takes.items()
            for take, (row, identity) in takes.new.items()
        ]
        many = self.connection.executemany
        many(
            "INSERT OR REPLACE INTO responses (key, value, expires) VALUES (?, ?, NULL)",
            [(name, row.value) for _, _, name, row, _ in new if row.value is not None],
        )
        new.sort(key=itemgetter(0))
        many(
            "INSERT OR REPLACE INTO identities VALUES (?, ?, ?)",
            [(key, take, identity) for key, take, _, _, identity in new],
        )
        marks = ", ".join("?" * len(ENTRY_COLUMNS))
        many(
            f"INSERT OR REPLACE INTO entries VALUES ({marks})",  # noqa: S608
            [(key, take, name, *row.columns) for key, take, name, row, _ in new],
        )
        uses.sort(key=itemgetter(0))
        many("INSERT INTO uses VALUES (?, ?, ?, ?, ?)", uses)


class _Takes:
    """The takes of one key: known by their identity, and those that are to be written.

    Args:
        known: number and identity of those that the store has, in order.
    """

    __slots__ = ("_next", "_numbers", "new")

    def __init__(self, known: list[tuple[int, str]]) -> None:
        self._numbers = {identity: take for take, identity in reversed(known)}
        self._next = known[-1][0] + 1 if known else 0
        #: Number -> the last answer of that identity, and the identity.
        self.new: dict[int, tuple[Row, str]] = {}

    def add(self, row: Row, identity: str) -> int:
        """The number of the take that an answer is."""
        take = self._numbers.get(identity)
        if take is None:
            take = self._numbers[identity] = self._next
            self._next += 1
        self.new[take] = row, identity
        return take


def _is_good(group: list[Row], test: str, outcomes: Outcomes) -> bool:
    return test in outcomes.passed or not any(row.captured.suspect for row in group)
