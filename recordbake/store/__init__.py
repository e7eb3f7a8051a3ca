"""The store, an SQLite file of requests-cache's: opening it, checking it, writing to it.

``requests_cache.CachedSession("….sqlite", serializer=serializer_for(DIR), key_fn=key_fn)`` serves
from it (:mod:`recordbake.serializer`).
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from recordbake.serializer import body_path, key_fn, serializer, serializer_for
from recordbake.store.checking import check, check_format, check_tables, seal
from recordbake.store.opening import connect_readonly, open_body
from recordbake.store.tables import ENTRY_COLUMNS, FORMAT
from recordbake.store.writer import settle, writing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ENTRY_COLUMNS", "FORMAT", "body_path", "check", "check_format", "check_tables",
    "connect_readonly", "key_fn", "open_body", "recorded_with_token", "seal", "serializer",
    "serializer_for", "settle", "writing",
]  # fmt: skip


def recorded_with_token(store: Path) -> bool:
    """Whether the latest recording run had a Hub token."""
    with closing(connect_readonly(store)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'authorized'").fetchone()
    return bool(row and row[0])
