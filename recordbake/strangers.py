"""What no recording of ours holds, looked for before one is read or changed.

A recording may come from somebody else. A link in it would lead reading, writing and deleting out
of it, and a pipe or device would be read for ever.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recordbake.recording import Recording

#: What SQLite keeps beside a store.
_SIDES = ("", "-journal", "-wal", "-shm")
#: How a rollback journal ends that names another file, the "super-journal", which SQLite deletes
#: (https://www.sqlite.org/fileformat2.html, section 3; pager.c). One store alone never has one.
_SUPER = bytes.fromhex("d9d505f920a163d7")


def refuse_strangers(recording: Recording) -> None:
    """Look at all places of a recording but what is in its Hub caches.

    The directory itself, and one for its runs that was chosen elsewhere, may be links.

    Raises:
        DamagedError: there is a link, a pipe, a socket or a device; says where.
    """
    for path in _places(recording):
        _refuse(path)
    refuse_journal(recording.store)


def refuse_journal(store: Path) -> None:
    """Refuse what SQLite would follow out of the store's directory when it opens it to write.

    Raises:
        DamagedError: a file of the store is a link or none at all, or its journal names others.
    """
    for side in _SIDES:
        _refuse(store.with_name(store.name + side))
    journal = store.with_name(store.name + "-journal")
    try:
        with journal.open("rb") as stream:
            stream.seek(-len(_SUPER), os.SEEK_END)
            foreign = stream.read() == _SUPER
    except OSError:
        return  # there is none, or it is too short
    if foreign and journal.stat().st_size > len(_SUPER):
        raise DamagedError(
            "the store's journal names another file, which SQLite would delete",
            where=journal,
            next_step="do not use this recording, unless you know who made it: record again",
        )


def _places(recording: Recording) -> Iterator[Path]:
    path = recording.path
    for name in (".lock", "secrets.json", "manifest.json"):
        yield path / name
    yield from (recording.http_cache, recording.bodies, recording.hf_cache)
    yield from _inside(recording.bodies)
    if recording.runs_path is None:
        yield recording.runs_dir
    for run in _inside(recording.runs_dir):
        if recording.only not in (None, run.name):
            continue  # of other recordings
        yield run
        for file in _inside(run):
            yield file
            if file.name == "shards":
                yield from _inside(file)


def _inside(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]  # noqa: PTH208  # cheaper
    except OSError:
        return []  # there is none, or it is a file


def _refuse(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    what = "a link" if stat.S_ISLNK(mode) else "neither a file nor a directory"
    raise DamagedError(
        f"something in the recording is {what}, which none of ours ever is",
        where=path,
        next_step="remove it, or record again: recordbake record -- COMMAND",
    )
