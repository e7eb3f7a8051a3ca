"""Whether a store is whole, and of the format that this recordbake reads."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.guest import codec
from recordbake.serializer import body_path
from recordbake.store.opening import connect_readonly, open_body
from recordbake.store.tables import COLUMNS, FORMAT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check", "check_format", "check_tables", "seal"]

_SHA256 = re.compile("[0-9a-f]{64}")


def check(store: Path) -> dict[str, int]:
    """Check a store's integrity and format, and count what is in it.

    Returns:
        ``entries`` (distinct keys), ``takes``, ``bodies`` (distinct digests) and ``body_bytes``.

    Raises:
        DamagedError: missing, damaged, of a newer format, or with a body missing or short.
    """
    check_tables(store)
    with closing(connect_readonly(store)) as connection:
        try:
            _check_bodies(connection, store.parent / "bodies")
            row = connection.execute(
                "SELECT count(DISTINCT key), count(*), count(DISTINCT body_sha256) FROM entries"
            ).fetchone()
            size = connection.execute(
                "SELECT coalesce(sum(body_size), 0) FROM"
                " (SELECT DISTINCT body_sha256, body_size FROM entries)"
            ).fetchone()[0]
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise DamagedError(
                f"the store is damaged: {error}", where=store, next_step=RECORD_AGAIN
            ) from error
    return {"entries": row[0], "takes": row[1], "bodies": row[2], "body_bytes": size}


def check_tables(store: Path) -> None:
    """Check a store's integrity, format and tables, not the answers and bodies that they name.

    Raises:
        DamagedError: missing, damaged or of a newer format.
    """
    with closing(connect_readonly(store)) as connection:
        try:
            problems = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if problems != ["ok"]:
                raise sqlite3.DatabaseError(problems[0])
            check_format(connection, store)
            _check_columns(connection)
            _check_content(connection, store)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise DamagedError(
                f"the store is damaged: {error}", where=store, next_step=RECORD_AGAIN
            ) from error


def check_format(connection: sqlite3.Connection, store: Path) -> None:
    """Refuse a store that another version of the format wrote.

    Raises:
        DamagedError: it did; says which.
        sqlite3.Error, ValueError: the store is damaged.
    """
    row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    version = int(row[0]) if row else 0
    if version != FORMAT:
        raise DamagedError(
            f"the store has format {version}, this recordbake reads format {FORMAT}",
            where=store,
            next_step="use the recordbake that wrote it, or record again",
        )


def _check_bodies(connection: sqlite3.Connection, bodies: Path) -> None:
    rows = connection.execute(
        "SELECT DISTINCT body_sha256, body_size FROM entries WHERE body_size > ?",
        (codec.INLINE_LIMIT,),
    )
    for sha256, size in rows:
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise ValueError(f"an entry names the body {sha256!r}")
        path = body_path(bodies, sha256)
        try:
            with open_body(bodies, sha256) as stream:
                found = os.fstat(stream.fileno()).st_size
        except FileNotFoundError:
            found = -1
        except OSError as error:
            raise DamagedError(
                f"a body cannot be read: {error.strerror}", where=path, next_step=RECORD_AGAIN
            ) from error
        if found != size:
            state = "missing" if found < 0 else f"{found} bytes instead of {size}"
            raise DamagedError(f"a body is {state}", where=path, next_step=RECORD_AGAIN)


def seal(connection: sqlite3.Connection) -> None:
    """Keep a digest of what the tables say of the answers; the last thing that a writer does."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('content', ?)", (_content(connection),))


def _content(connection: sqlite3.Connection) -> str:
    """A digest over which answers there are and who uses them; SQLite itself has none."""
    digest = hashlib.sha256()
    for select in (
        "SELECT * FROM entries ORDER BY key, take",
        "SELECT * FROM uses ORDER BY key, test, attempt, n",
        "SELECT * FROM identities ORDER BY key, take",
    ):
        rows = connection.cursor()
        rows.row_factory = None  # plain tuples
        rows.execute(select)
        while some := rows.fetchmany(1000):
            digest.update("".join(map(repr, some)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _check_columns(connection: sqlite3.Connection) -> None:
    """Names of columns are text, too, in which SQLite notices no changed bit."""
    for table, columns in COLUMNS.items():
        found = tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
        if found != columns:
            raise sqlite3.DatabaseError(f"the table {table} has the columns {', '.join(found)}")


def _check_content(connection: sqlite3.Connection, store: Path) -> None:
    row = connection.execute("SELECT value FROM meta WHERE name = 'content'").fetchone()
    if row is not None and row[0] != _content(connection):
        raise DamagedError("the store's tables have changed", where=store, next_step=RECORD_AGAIN)
