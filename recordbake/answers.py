"""The check of every answer in a store: there, ours, whole, and what its entry says."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.guest import codec

if TYPE_CHECKING:
    from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_answers(path: Path, *, where: Path) -> None:
    """Check that every entry has its answer and that every inline body has its digest.

    Args:
        path: a store.
        where: what to name in messages, where ``path`` is a temporary copy.

    Raises:
        DamagedError: an answer is missing, is not ours, or is not what its entry says.
    """
    query = (
        "SELECT url, status, body_sha256, body_size, value FROM entries"
        " LEFT JOIN responses ON responses.key = response_key"
    )
    try:
        with closing(store.connect_readonly(path)) as connection:
            for row in connection.execute(query):
                problem = _problem(row)
                if problem:
                    raise DamagedError(
                        f"{problem}: {row['url']}", where=where, next_step=RECORD_AGAIN
                    )
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store is damaged: {error}", where=where, next_step=RECORD_AGAIN
        ) from error


def _problem(row: sqlite3.Row) -> str | None:
    """What is wrong with one entry and its answer."""
    digest, size = row["body_sha256"], row["body_size"]
    if row["status"] is None:  # the failure came before an answer
        small = size is None or (isinstance(size, int) and size <= codec.INLINE_LIMIT)
        return None if small else "an entry has a body without an answer"
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        return "an entry does not say what its body is"
    try:
        meta, _, body = codec.decode_value(row["value"])
    except codec.CodecError as error:
        return f"an answer is missing or damaged ({error})"
    if (meta["body"]["sha256"], meta["body"]["size"]) != (digest, size):
        return "an answer is not the one its entry describes"
    if size > codec.INLINE_LIMIT:
        return None if body is None else "a body is not where its size says"
    changed = body is None or hashlib.sha256(body).hexdigest() != digest
    return "a body's bytes have changed" if changed else None
