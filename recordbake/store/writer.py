"""Writing to a store, all of it or nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from recordbake import locks
from recordbake.errors import DamagedError
from recordbake.files import replacing
from recordbake.store.checking import check_format, seal
from recordbake.store.opening import refuse_code
from recordbake.store.tables import create_tables
from recordbake.strangers import refuse_journal
from recordbake.workspace import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["settle", "writing"]


def settle(store: Path) -> None:
    """Let SQLite finish what a killed writer left: a hot journal, or a write-ahead log.

    Readers open the store as immutable, which ignores both.

    Raises:
        DamagedError: there is something to finish and the store cannot be written, or it would
            lead out of the store's directory.
    """
    refuse_journal(store)
    leftovers = [store.with_name(store.name + suffix) for suffix in ("-journal", "-wal")]
    if not store.is_file() or not any(path.exists() for path in leftovers):
        return
    try:
        with closing(
            sqlite3.connect(store, timeout=locks.PATIENCE, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store's writer was killed, and what it left cannot be mended: {error}",
            where=store,
            next_step="make the directory writable, or record again",
        ) from error


@contextmanager
def writing(store: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a store; one that is not there yet appears when it is whole.

    requests-cache swallows a failing commit and waits for locks without an end, so the transaction
    is ours: all of it arrives, or an error says why not.

    Raises:
        DamagedError: the store cannot be written or is locked for longer than 60 s.
    """
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        refuse_journal(store)
        with (
            _whole(store) as path,
            closing(
                sqlite3.connect(path, timeout=locks.PATIENCE, isolation_level=None)
            ) as connection,
        ):
            refuse_code(connection, path)
            if path != store:  # nobody sees it before it is whole
                connection.execute("PRAGMA journal_mode = OFF")
                connection.execute("PRAGMA synchronous = OFF")
            create_tables(connection)
            connection.execute("BEGIN IMMEDIATE")
            check_format(connection, path)
            # An unpacked bake that is recorded into is the one of its manifest no longer.
            (store.parent.parent / "manifest.json").unlink(missing_ok=True)
            yield connection
            seal(connection)
            connection.execute("COMMIT")  # without it, closing rolls back
    except (sqlite3.Error, OSError) as error:
        raise DamagedError(
            f"the store cannot be written: {error}",
            where=store,
            next_step="free space or end the other process, then run the same command again",
        ) from error


@contextmanager
def _whole(store: Path) -> Iterator[Path]:
    """The file to write to: the store, or one that takes its name when it is whole and on disk."""
    if store.exists():
        yield store
        return
    with replacing(store) as path:
        yield path
        for suffix in ("-journal", "-wal"):  # of one that was deleted: SQLite would fold them in
            store.with_name(store.name + suffix).unlink(missing_ok=True)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    sync_directory(store.parent)
