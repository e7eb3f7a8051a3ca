"""Opening a store and its bodies, which may be a stranger's."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from typing import TYPE_CHECKING

from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.serializer import body_path

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["connect_readonly", "open_body", "refuse_code"]

#: All that a store is made of: tables and indexes of plain columns. Views, triggers, virtual
#: tables, generated columns, checks and indexes of expressions are code that runs when the store
#: is used (https://www.sqlite.org/security.html, section 1.2).
_WORDS = r"""[\w\s,"'`]*"""
_PLAIN = re.compile(
    rf"CREATE TABLE {_WORDS}\({_WORDS}(PRIMARY KEY\s*\({_WORDS}\){_WORDS})?\)(\s+WITHOUT ROWID)?"
    rf"|CREATE (UNIQUE )?INDEX {_WORDS}\({_WORDS}\)",
    re.ASCII | re.IGNORECASE,
)
#: No value of ours is larger, in bytes: two heads of 4 MiB as escaped JSON, and an inline body.
_LONGEST = 64 << 20
_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH
_LONGEST_SQL = 4096  # of a table of ours, or of requests-cache


def connect_readonly(store: Path) -> sqlite3.Connection:
    """Open a store for reading, without locks and without writing anything beside it.

    Raises:
        DamagedError: the store is missing or cannot be opened, or holds code.
    """
    if not store.is_file():
        raise DamagedError("there is no store", where=store, next_step=RECORD_AGAIN)
    try:
        connection = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store cannot be opened: {error}", where=store, next_step=RECORD_AGAIN
        ) from error
    try:
        refuse_code(connection, store)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def refuse_code(connection: sqlite3.Connection, store: Path) -> None:
    """Let the store be data only, of sizes that our values have."""
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if hasattr(connection, "setlimit"):  # Python 3.11
            connection.setlimit(_LIMIT_LENGTH, _LONGEST)
        rows = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store is damaged: {error}", where=store, next_step=RECORD_AGAIN
        ) from error
    for name, sql in rows:
        if sql is not None and (
            len(str(sql)) > _LONGEST_SQL
            or not _PLAIN.fullmatch(str(sql))
            or str(name).lower().startswith("sqlite_")
        ):
            raise DamagedError(
                f"the store has something that a store never has: {name}",
                where=store,
                next_step=RECORD_AGAIN,
            )


def open_body(bodies: Path, sha256: str) -> BinaryIO:
    """Open a body that is a file, or a link to one of the Hub caches beside the store.

    Raises:
        OSError: it is missing, leads outside, or is no file (a pipe would be waited for).
    """
    path = body_path(bodies, sha256)
    if path.is_symlink() and not path.resolve().is_relative_to(bodies.resolve().parent.parent):
        raise OSError(errno.EXDEV, "it leads outside", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(descriptor, "rb")
