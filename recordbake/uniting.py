"""Uniting recordings: of many shards or machines one, whatever their order.

Of each request the answers of all recordings are united: equal ones are one take, kept as it was
recorded first; different ones are takes, in the order in which they were recorded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake import hub_cache, seen_secrets, store
from recordbake.errors import UsageError
from recordbake.guest import codec
from recordbake.locks import recording_lock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from recordbake.recording import Recording

Row = dict[str, Any]
#: By what takes are ordered and which of two equal ones is kept: nothing of it is a place or order.
_TIME, _IDENTITY = "recorded_at", "identity"


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


def unite(sources: Sequence[Recording], into: Recording) -> United:
    """Merge recordings into one.

    Args:
        sources: recordings or unpacked bakes.
        into: the result; must not exist, or be empty.

    Raises:
        UsageError: the target holds something.
        DamagedError: a recording is damaged, or the target cannot be written.
    """
    if into.path.exists() and (not into.path.is_dir() or any(into.path.iterdir())):
        raise UsageError(
            "the target of a merge holds something",
            where=into.path,
            next_step="choose a new or empty directory: recordbake merge RECORDING... --into DIR",
        )
    with ExitStack() as stack:
        for source in sources:
            stack.enter_context(recording_lock(source.path, shared=True))
            store.settle(source.store)
            store.check(source.store)
        united = _unite_stores(sources, into)
        for source in sources:
            _unite_caches(source.hf_cache, into.hf_cache)
        for source in sources:
            _unite_runs(source, into)
        _unite_secrets(sources, into)
    return united


def _read(recording: Recording) -> tuple[list[Row], list[Row], bool]:
    with closing(store.connect_readonly(recording.store)) as connection:
        entries = [
            dict(row)
            for row in connection.execute(
                "SELECT entries.*, identity, value FROM entries"
                " LEFT JOIN identities USING (key, take)"
                " LEFT JOIN responses ON responses.key = response_key"
            )
        ]
        uses = [dict(row) for row in connection.execute("SELECT * FROM uses")]
    for row in entries:
        row["bodies"] = recording.bodies
    return entries, uses, store.recorded_with_token(recording.store)


def _order(row: Row) -> tuple[Any, ...]:
    """The same whatever recording a take is read from."""
    text = (str(row["test"] or ""), str(row["body_sha256"] or ""), str(row["failure"] or ""))
    return (row[_TIME] or 0.0, str(row[_IDENTITY] or ""), *text, bytes(row["value"] or b""))


def _unite_stores(sources: Sequence[Recording], into: Recording) -> United:
    united, groups = United(), _Groups()
    authorized = False
    for number, source in enumerate(sources):
        entries, uses, token = _read(source)
        authorized = authorized or token
        groups.add(number, entries, uses)
    with store.writing(into.store) as connection:
        for key in sorted(groups.takes):
            takes = groups.united(key, united)
            for take, row in enumerate(takes):
                _write(connection, row | {"take": take}, into)
        groups.write_uses(connection)
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('authorized', ?)", (int(authorized),)
        )
    united.differing.sort()
    return united


class _Groups:
    """The takes of all recordings by key, and which tests used them."""

    def __init__(self) -> None:
        self.takes: dict[str, dict[str, Row]] = {}
        self._origin: dict[tuple[int, str, int], str] = {}  # recording, key, take -> identity
        self._sets: dict[str, list[set[str]]] = {}
        self._uses: dict[tuple[str, str], dict[int, list[Row]]] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, number: int, entries: list[Row], uses: list[Row]) -> None:
        sets: dict[str, set[str]] = {}
        for row in entries:
            key, identity = row["key"], str(row[_IDENTITY] or "") or _own_identity(row)
            known = self.takes.setdefault(key, {})
            if identity not in known or _order(row) < _order(known[identity]):
                known[identity] = row
            self._origin[number, key, row["take"]] = identity
            sets.setdefault(key, set()).add(identity)
        for key, found in sets.items():
            self._sets.setdefault(key, []).append(found)
        for row in uses:
            self._uses.setdefault((row["key"], row["test"]), {}).setdefault(number, []).append(row)

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


def _write(connection: sqlite3.Connection, row: Row, into: Recording) -> None:
    key, take = row["key"], row["take"]
    row = row | {"response_key": key if take == 0 else f"{key}-{take}"}
    columns = store.ENTRY_COLUMNS
    connection.execute(
        f"INSERT INTO entries ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        [row[name] for name in columns],
    )
    if row[_IDENTITY]:
        connection.execute("INSERT INTO identities VALUES (?, ?, ?)", (key, take, row[_IDENTITY]))
    if row["value"] is None:
        return
    connection.execute(
        "INSERT INTO responses (key, value, expires) VALUES (?, ?, NULL)",
        (row["response_key"], row["value"]),
    )
    if row["body_size"] > codec.INLINE_LIMIT:
        target = store.body_path(into.bodies, row["body_sha256"])
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store.body_path(row["bodies"], row["body_sha256"]), target)


def _unite_caches(source: Path, target: Path) -> None:
    """Copy a Hub cache over another: blobs and snapshots are named by their content.

    Where others differ, such as a branch that has moved on, the greater content stays, whatever
    the order. The recorded answers set it right at the first request of a replay.
    """
    for directory, names, files in os.walk(source):
        here = Path(directory)
        relative = here.relative_to(source)
        kept = [n for n in [*names, *files] if not hub_cache.left_out((relative / n).as_posix())]
        names[:] = [name for name in names if name in kept]
        destination = target / relative
        destination.mkdir(parents=True, exist_ok=True)
        for name in kept:
            path, copy = here / name, destination / name
            if name in names and not path.is_symlink():
                continue
            if os.path.lexists(copy):
                if _content(path) <= _content(copy):
                    continue
                copy.unlink()
            shutil.copyfile(path, copy, follow_symlinks=False)


def _content(path: Path) -> tuple[int, str]:
    """By what two files of one name are compared: size, then digest; a link by what it says."""
    if path.is_symlink():
        return -1, str(path.readlink())
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while data := stream.read(1 << 20):
            digest.update(data)
    return path.stat().st_size, digest.hexdigest()


def _unite_runs(source: Recording, into: Recording) -> None:
    """Keep journals by origin: a run's name has its time and a random part."""
    for run in source.runs():
        target = into.runs_dir / run.id
        if run.info.exists() and not run.shards.exists() and not target.exists():
            shutil.copytree(run.path, target, ignore=shutil.ignore_patterns(".lock"))


def _unite_secrets(sources: Iterable[Recording], into: Recording) -> None:
    found = {
        value["digest"]: value for source in sources for value in seen_secrets.read(source.path)
    }
    if found:
        seen_secrets.write(into.path, [found[digest] for digest in sorted(found)])
