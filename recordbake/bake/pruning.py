"""Leaving out of a bake what the latest replays never asked for."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from recordbake.bake.manifest import LeftOut
from recordbake.errors import DamagedError, UsageError
from recordbake.store import seal

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.recording import Recording, Run

_WHY = "no replay asked for it"
_REPLAYS = ("-replay-", "-replay_strict-")


def prune_unused(recording: Recording, copy: Path, since: int) -> list[LeftOut]:
    """Delete the takes from a store's copy that none of the latest replays was answered with.

    Args:
        recording: where the runs are.
        copy: the store to change; nobody else's.
        since: how many of the latest replays count.

    Returns:
        What was deleted.

    Raises:
        UsageError: there are no replays to judge by.
    """
    runs = [run for run in recording.runs() if any(mark in run.id for mark in _REPLAYS)]
    if not runs:
        raise UsageError(
            "there is no replay to tell by what is unused",
            where=recording.runs_dir,
            next_step="replay the suite first: recordbake replay --strict -- COMMAND",
        )
    used = {pair for run in runs[-since:] for pair in _hits(run)}
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        rows = connection.execute(
            "SELECT key, take, method, url, body_size FROM entries ORDER BY url, key, take"
        ).fetchall()
        unused = [row for row in rows if (row[0], row[1]) not in used]
        connection.execute("BEGIN")
        for key, take, *_ in unused:
            for table in ("entries", "uses", "identities"):
                connection.execute(
                    f"DELETE FROM {table} WHERE key = ? AND take = ?",  # noqa: S608 - names of ours
                    (key, take),
                )
        connection.execute(
            "DELETE FROM responses WHERE key NOT IN (SELECT response_key FROM entries)"
        )
        seal(connection)
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    return [
        LeftOut(f"http_cache: {method} {url} (take {take}, {size or 0} bytes)", _WHY)
        for _, take, method, url, size in unused
    ]


def _hits(run: Run) -> list[tuple[str, int]]:
    try:
        with run.journal.open("rb") as stream:
            lines = [line for line in stream if b'"hit"' in line]
    except OSError as error:
        raise DamagedError(
            f"a replay's journal cannot be read: {error.strerror}",
            where=run.journal,
            next_step="delete the run, or replay again",
        ) from error
    found = []
    for line in lines:
        try:
            event = json.loads(line)
            found.append((str(event["key"]), int(event["take"])))
        except (ValueError, KeyError, TypeError):  # a torn line; formats.md
            continue
    return found
