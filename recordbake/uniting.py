"""Uniting recordings: of many shards or machines one, whatever their order.

Of each request the answers of all recordings are united: equal ones are one take, kept as it was
recorded first; different ones are takes, in the order in which they were recorded.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.answers import check_answers
from recordbake.errors import RECORD_AGAIN, DamagedError, UsageError
from recordbake.guest import codec
from recordbake.locks import recording_lock
from recordbake.recording import Recording
from recordbake.strangers import refuse_strangers
from recordbake.united_files import content, unite_caches, unite_runs, unite_secrets
from recordbake.united_takes import IDENTITY, Groups, United
from recordbake.workspace import explaining, sync_directory, workspace

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from recordbake.united_takes import Row


def unite(sources: Sequence[Recording], into: Recording) -> United:
    """Merge recordings into one.

    Args:
        sources: recordings or unpacked bakes.
        into: the result; must not exist, or be empty.

    Raises:
        UsageError: the target holds something.
        DamagedError: a recording is damaged, or the target cannot be written; then it is as before.
    """
    if into.path.exists() and (not into.path.is_dir() or _holds_something(into.path)):
        raise UsageError(
            "the target of a merge holds something",
            where=into.path,
            next_step="choose a new or empty directory: recordbake merge RECORDING... --into DIR",
        )
    with ExitStack() as stack:
        for source in sources:
            refuse_strangers(source)
            stack.enter_context(recording_lock(source.path, shared=True))
            store.settle(source.store)
            store.check(source.store)
            check_answers(source.store, where=source.store)
        stack.enter_context(explaining("the recordings cannot be united", into.path))
        target = into.path.resolve()
        work = stack.enter_context(workspace(_beside(target), f".{target.name}.merging-"))
        tree = Recording(work / "tree")
        united = _unite_all(sources, tree)
        _publish(tree, Recording(target))
    return united


def _unite_all(sources: Sequence[Recording], into: Recording) -> United:
    united = _unite_stores(sources, into)
    for source in sources:
        unite_caches(source.hf_cache, into.hf_cache)
    for source in sources:
        unite_runs(source, into)
    unite_secrets(sources, into)
    return united


def _holds_something(target: Path) -> bool:
    left = f".{target.resolve().name}.merging-"  # by a merge that was killed
    return any(not path.name.startswith(left) for path in target.iterdir())


def _beside(target: Path) -> Path:
    """Where to work: beside the target, or in it where it cannot be replaced as a whole."""
    fixed = target.exists() and (target.is_mount() or not os.access(target.parent, os.W_OK))
    return target if fixed else target.parent


def _publish(tree: Recording, target: Recording) -> None:
    """Give what is finished its final name."""
    if tree.path.is_relative_to(target.path):
        # The store comes last: without it, it is no recording.
        for path in sorted(tree.path.iterdir(), key=lambda path: path == tree.http_cache):
            path.rename(target.path / path.name)
    else:
        tree.path.rename(target.path)  # replaces an empty directory
        sync_directory(target.path.parent)


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


def _unite_stores(sources: Sequence[Recording], into: Recording) -> United:
    united, groups = United(), Groups()
    authorized = False
    for number, source in enumerate(sources):
        entries, uses, token = _read(source)
        authorized = authorized or token
        groups.add(number, entries, uses)
    with store.writing(into.store) as connection:
        for key in groups.in_time():
            takes = groups.united(key, united)
            for take, row in enumerate(takes):
                _write(connection, row | {"take": take}, into)
        groups.write_uses(connection)
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('authorized', ?)", (int(authorized),)
        )
    united.differing.sort()
    return united


def _write(connection: sqlite3.Connection, row: Row, into: Recording) -> None:
    key, take = row["key"], row["take"]
    row = row | {"response_key": key if take == 0 else f"{key}-{take}"}
    columns = store.ENTRY_COLUMNS
    connection.execute(
        f"INSERT INTO entries ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        [row[name] for name in columns],
    )
    if row[IDENTITY]:
        connection.execute("INSERT INTO identities VALUES (?, ?, ?)", (key, take, row[IDENTITY]))
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
            source = store.body_path(row["bodies"], row["body_sha256"])
            shutil.copyfile(source, target)
            if content(target)[1] != row["body_sha256"]:
                raise DamagedError(
                    "a body's bytes have changed", where=source,
                    next_step=RECORD_AGAIN,
                )  # fmt: skip
