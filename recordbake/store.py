"""The store, an SQLite file of requests-cache's: creating it, checking it, writing to it.

``requests_cache.CachedSession("….sqlite", serializer=serializer_for(DIR), key_fn=key_fn)`` serves
from it (:mod:`recordbake.serializer`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from recordbake import locks
from recordbake.errors import DamagedError
from recordbake.guest import codec
from recordbake.serializer import body_path, key_fn, serializer, serializer_for
from recordbake.strangers import refuse_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = [
    "FORMAT", "body_path", "check", "check_format", "connect_readonly", "key_fn", "open_body",
    "recorded_with_token", "serializer", "serializer_for", "settle", "writing",
]  # fmt: skip

FORMAT = 1

#: Columns of ``entries``; a version-1 store has exactly these.
ENTRY_COLUMNS = (
    "key", "take", "response_key", "method", "url", "host", "status", "content_type",
    "content_encoding", "body_size", "body_sha256", "etag", "last_modified", "cache_control",
    "recorded_at", "client", "test", "live_ms", "vary", "failure", "suspect",
)  # fmt: skip

#: All tables, and their columns in order.
COLUMNS = {
    "entries": ENTRY_COLUMNS,
    "uses": ("key", "test", "attempt", "n", "take"),
    "identities": ("key", "take", "identity"),
    "meta": ("name", "value"),
    "responses": ("key", "value", "expires"),
    "redirects": ("key", "value", "expires"),
}

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entries ({", ".join(ENTRY_COLUMNS)}, PRIMARY KEY (key, take))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (key, test, attempt INTEGER, n INTEGER, take INTEGER,
    PRIMARY KEY (key, test, attempt, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (key, take INTEGER, identity, PRIMARY KEY (key, take))
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uses_by_test ON uses (test);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""
#: requests-cache's own tables, to the letter; docs/adr/0028.
_BACKEND_SCHEMA = "".join(
    f"CREATE TABLE IF NOT EXISTS {name}"
    " (    key TEXT PRIMARY KEY,    value BLOB,     expires INTEGER);"
    f"CREATE INDEX IF NOT EXISTS expires_idx ON {name}(expires);"
    for name in ("responses", "redirects")
)

_SHA256 = re.compile("[0-9a-f]{64}")
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
_RECORD_AGAIN = "record again: recordbake record -- COMMAND"


def connect_readonly(store: Path) -> sqlite3.Connection:
    """Open a store for reading, without locks and without writing anything beside it.

    Raises:
        DamagedError: the store is missing or cannot be opened, or holds code.
    """
    if not store.is_file():
        raise DamagedError("there is no store", where=store, next_step=_RECORD_AGAIN)
    try:
        connection = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store cannot be opened: {error}", where=store, next_step=_RECORD_AGAIN
        ) from error
    try:
        _refuse_code(connection, store)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def _refuse_code(connection: sqlite3.Connection, store: Path) -> None:
    """Let the store be data only, of sizes that our values have."""
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if hasattr(connection, "setlimit"):  # Python 3.11
            connection.setlimit(_LIMIT_LENGTH, _LONGEST)
        rows = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store is damaged: {error}", where=store, next_step=_RECORD_AGAIN
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
                next_step=_RECORD_AGAIN,
            )


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
                f"the store is damaged: {error}", where=store, next_step=_RECORD_AGAIN
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
                f"the store is damaged: {error}", where=store, next_step=_RECORD_AGAIN
            ) from error


def recorded_with_token(store: Path) -> bool:
    """Whether the latest recording run had a Hub token."""
    with closing(connect_readonly(store)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'authorized'").fetchone()
    return bool(row and row[0])


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
                f"a body cannot be read: {error.strerror}", where=path, next_step=_RECORD_AGAIN
            ) from error
        if found != size:
            state = "missing" if found < 0 else f"{found} bytes instead of {size}"
            raise DamagedError(f"a body is {state}", where=path, next_step=_RECORD_AGAIN)


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
        for row in connection.execute(select):
            digest.update(repr(tuple(row)).encode("utf-8", "surrogateescape"))
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
        raise DamagedError("the store's tables have changed", where=store, next_step=_RECORD_AGAIN)


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
    """One transaction on a store, which is created where it is not there yet.

    requests-cache swallows a failing commit and waits for locks without an end, so the transaction
    is ours: all of it arrives, or an error says why not.

    Raises:
        DamagedError: the store cannot be written or is locked for longer than 60 s.
    """
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        refuse_journal(store)
        with closing(
            sqlite3.connect(store, timeout=locks.PATIENCE, isolation_level=None)
        ) as connection:
            _refuse_code(connection, store)
            _create(connection)
            connection.execute("BEGIN IMMEDIATE")
            check_format(connection, store)
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


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables that are not there yet, ours and requests-cache's."""
    tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'responses', 'redirects')"
    if connection.execute(tables).fetchone()[0] == 3:  # noqa: PLR2004
        return
    # All at once: a store without its format would be refused ever after.
    version = f"INSERT OR IGNORE INTO meta VALUES ('format', {FORMAT});"  # noqa: S608  # a number of ours
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {_BACKEND_SCHEMA} {version} COMMIT")
