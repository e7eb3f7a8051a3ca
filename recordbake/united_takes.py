"""The takes that several recordings have of the same requests, put into one order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

Row = dict[str, Any]
#: By what takes are ordered and which of two equal ones is kept: nothing of it is a place or order.
_TIME, IDENTITY = "recorded_at", "identity"


@dataclass
class United:
    """What came of it.

    Args:
        entries: distinct keys.
        takes: in all.
        equal: takes that more than one recording had.
        differing: requests (method and URL) that recordings answer differently.
    """

    entries: int = 0
    takes: int = 0
    equal: int = 0
    differing: list[str] = field(default_factory=list)


def _order(row: Row) -> tuple[Any, ...]:
    """The same whatever recording a take is read from."""
    text = (str(row["test"] or ""), str(row["body_sha256"] or ""), str(row["failure"] or ""))
    return (row[_TIME] or 0.0, str(row[IDENTITY] or ""), *text, bytes(row["value"] or b""))


class Groups:
    """The takes of all recordings by key, and which tests used them."""

    def __init__(self) -> None:
        self.takes: dict[str, dict[str, Row]] = {}
        self._origin: dict[tuple[int, str, int], str] = {}  # recording, key, take -> identity
        self._sets: dict[str, list[set[str]]] = {}
        self._uses: dict[tuple[str, str], dict[int, list[Row]]] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, number: int, entries: list[Row], uses: list[Row]) -> None:
        """Add a recording's; ``number`` tells it from the others."""
        sets: dict[str, set[str]] = {}
        for row in entries:
            key, identity = row["key"], str(row[IDENTITY] or "") or _own_identity(row)
            known = self.takes.setdefault(key, {})
            if identity not in known or _order(row) < _order(known[identity]):
                known[identity] = row
            self._origin[number, key, row["take"]] = identity
            sets.setdefault(key, set()).add(identity)
        for key, found in sets.items():
            self._sets.setdefault(key, []).append(found)
        for row in uses:
            self._uses.setdefault((row["key"], row["test"]), {}).setdefault(number, []).append(row)

    def in_time(self) -> list[str]:
        """The keys as they were recorded first: a replay reads ahead in the order of rows."""
        first = {
            key: min(row[_TIME] or 0.0 for row in takes.values())
            for key, takes in self.takes.items()
        }
        return sorted(first, key=lambda key: (first[key], key))

    def united(self, key: str, report: United) -> list[Row]:
        """A key's takes in order; counts them."""
        ordered = sorted(self.takes[key].items(), key=lambda pair: (_order(pair[1]), pair[0]))
        for take, (identity, _) in enumerate(ordered):
            self._numbers[key, identity] = take
        sets = self._sets[key]
        report.entries += 1
        report.takes += len(ordered)
        report.equal += sum(map(len, sets)) - len(ordered)
        if any(found != sets[0] for found in sets):
            row = ordered[0][1]
            report.differing.append(f"{row['method']} {row['url']}")
        return [row for _, row in ordered]

    def write_uses(self, connection: sqlite3.Connection) -> None:
        """Of a test that several recordings ran, the longest order of takes is kept.

        Of equally long ones the greatest: what is chosen must not depend on how takes are
        numbered, which changes with each merge.
        """
        for (key, test), found in sorted(self._uses.items()):
            orders = [
                sorted((r["attempt"], r["n"], self._origin[number, key, r["take"]]) for r in rows)
                for number, rows in found.items()
            ]
            for attempt, n, identity in max(orders, key=lambda order: (len(order), order)):
                connection.execute(
                    "INSERT INTO uses VALUES (?, ?, ?, ?, ?)",
                    (key, test, attempt, n, self._numbers[key, identity]),
                )


def _own_identity(row: Row) -> str:
    return f"{row['status']} {row['body_sha256']} {row['failure']} {row['vary']}"
