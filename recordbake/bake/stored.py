"""The store in a bake: a copy with deterministic bytes, and the check of every answer in it."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordbake import locks, store
from recordbake.answers import check_answers
from recordbake.bake.pruning import prune_unused
from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.files import digest_of
from recordbake.guest import codec
from recordbake.strangers import refuse_journal

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.bake.manifest import LeftOut
    from recordbake.recording import Recording

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Bytes 18 and 19 of the header are 1 in rollback journal mode, 2 in WAL mode
#: (https://www.sqlite.org/fileformat2.html, section 1.3.3).
_MODE_BYTES = slice(18, 20)
_ROLLBACK = b"\x01\x01"
#: Bytes 96 to 99 are the release of SQLite that wrote last. Nothing reads them (section 1.3.12).
_RELEASE_OFFSET = 96


@dataclass(frozen=True)
class StoreCopy:
    """A store made ready to ship.

    Args:
        path: the SQLite file.
        sha256: digest of the file.
        counts: as :func:`recordbake.store.check` counts.
        bodies: digests of the bodies that are files, in order, and their sizes in bytes.
        newest: when the newest entry was recorded, Unix seconds (UTC); 0 without entries.
        left_out: entries that were pruned.
    """

    path: Path
    sha256: str
    counts: dict[str, int]
    bodies: dict[str, int]
    newest: float
    left_out: tuple[LeftOut, ...] = ()


def copy_store(recording: Recording, work: Path, since: int | None = None) -> StoreCopy:
    """Copy a recording's store by ``VACUUM INTO``: no journal, no free pages, same bytes each time.

    Args:
        recording: where the store is; a WAL or journal that a killed writer left is folded in.
        work: an empty directory for the copy.
        since: leave out what none of this many latest replays asked for; None: nothing.

    Raises:
        DamagedError: the store is missing or damaged, or lacks a body.
        OSError: the copy cannot be written.
    """
    if not recording.store.is_file():
        raise DamagedError("there is no store", where=recording.store, next_step=RECORD_AGAIN)
    copy = work / recording.store.name
    # Beside the copy, so that the check of the copy finds the bodies.
    (work / recording.bodies.name).symlink_to(recording.bodies.resolve())
    try:
        with closing(_open(recording.store)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # rolls back
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            store.check(recording.store)
            connection.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        raise DamagedError(
            f"the store cannot be copied: {error}",
            where=recording.store,
            next_step="free space or end the other process, then run the same command again",
        ) from error
    left_out = [] if since is None else prune_unused(recording, copy, since)
    _settle_header(copy, recording.store)
    counts = store.check(copy)
    check_answers(copy, where=recording.store)
    with closing(store.connect_readonly(copy)) as connection:
        newest = connection.execute(
            "SELECT max(recorded_at) FROM entries WHERE typeof(recorded_at) IN ('real', 'integer')"
        ).fetchone()[0]
        bodies = {row["body_sha256"]: row["body_size"] for row in _files(connection)}
    return StoreCopy(copy, digest_of(copy), counts, bodies, newest or 0, tuple(left_out))


def _settle_header(copy: Path, where: Path) -> None:
    """Check the copy's journal mode and take SQLite's release out of it; bring it to the disk."""
    with copy.open("r+b") as stream:
        wal = copy.with_name(copy.name + "-wal")
        if stream.read(20)[_MODE_BYTES] != _ROLLBACK or wal.exists():
            raise DamagedError(
                "the copy of the store is in WAL mode", where=where, next_step=RECORD_AGAIN
            )
        stream.seek(_RELEASE_OFFSET)
        stream.write(bytes(4))
        stream.flush()
        os.fsync(stream.fileno())


def _open(path: Path) -> sqlite3.Connection:
    """A connection that respects other processes' locks, where the directory can be written."""
    if not os.access(path.parent, os.W_OK):
        beside = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        for leftover in beside:
            if leftover.exists() and leftover.stat().st_size:
                raise DamagedError(
                    "the store was not closed, and its directory cannot be written",
                    where=leftover,
                    next_step="make the directory writable",
                )
        return store.connect_readonly(path)
    refuse_journal(path)
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=locks.PATIENCE, isolation_level=None)


def _files(connection: sqlite3.Connection) -> list[Any]:
    return connection.execute(
        "SELECT DISTINCT body_sha256, body_size FROM entries WHERE body_size > ?"
        " ORDER BY body_sha256",
        (codec.INLINE_LIMIT,),
    ).fetchall()
