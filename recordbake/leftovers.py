"""Who still uses what a killed run left: its processes may go on without it.

Linux shows the open files and the environment of this user's processes in ``/proc`` (proc(5));
elsewhere nobody is found.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def in_use(directory: Path) -> bool:
    """Whether a process has a file of a directory open, or names the directory in its variables.

    Args:
        directory: a run's shards, or its hook.
    """
    return bool(users(directory))


def users(directory: Path) -> list[int]:
    """The processes that have a file of a directory open, or name it in their variables."""
    whole = os.fsencode(directory.resolve())
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if int(process.name) != os.getpid() and _uses(process, whole)
    ]


def _uses(process: Path, whole: bytes) -> bool:
    with suppress(OSError):  # it has ended, or is another user's
        if whole in (process / "environ").read_bytes():
            return True
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if os.fsencode(descriptor.readlink()).startswith(whole + b"/"):
                    return True
    return False
