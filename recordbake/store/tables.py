"""What a store's tables are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["COLUMNS", "ENTRY_COLUMNS", "FORMAT", "create_tables"]

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


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables that are not there yet, ours and requests-cache's."""
    tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'responses', 'redirects')"
    if connection.execute(tables).fetchone()[0] == 3:  # noqa: PLR2004
        return
    # All at once: a store without its format would be refused ever after.
    version = f"INSERT OR IGNORE INTO meta VALUES ('format', {FORMAT});"  # noqa: S608  # a number of ours
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {_BACKEND_SCHEMA} {version} COMMIT")
