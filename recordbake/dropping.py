"""Drops entries from a recording's store, and what only they needed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from recordbake.locks import recording_lock
from recordbake.store import connect_readonly, writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from recordbake.recording import Recording


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
    paths = list(recording.bodies.glob("*/*"))
    if not paths:
        return
    with closing(connect_readonly(recording.store)) as connection:
        named = {row[0] for row in connection.execute("SELECT body_sha256 FROM entries")}
    for path in paths:
        if path.name not in named:
            path.unlink()


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
