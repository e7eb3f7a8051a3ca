"""Advisory locks on files, with bounded waiting."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recordbake.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: Seconds that everybody waits for whoever holds a recording or its database.
PATIENCE = 60.0


def try_lock(path: Path) -> int | None:
    """Take an exclusive lock on a file now, or None if somebody else has it.

    Returns:
        The descriptor to close to let go; the system lets go when the process ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def recording_lock(
    directory: Path, *, shared: bool, seconds: float | None = None
) -> Iterator[None]:
    """Hold a recording: exclusively to change it, shared to read it.

    A directory that cannot be written is not locked: nobody changes it.

    Args:
        directory: the recording; created if it is to be changed.
        shared: other readers may hold it too.
        seconds: how long to wait for others; :data:`PATIENCE` when None.

    Raises:
        BusyError: somebody else held it all that time.
    """
    path = directory / ".lock"
    try:
        if not shared:
            directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        if not shared:
            raise
        yield
        return
    try:
        wait = PATIENCE if seconds is None else seconds
        _wait(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, path, wait)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, kind: int, path: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end:
                raise BusyError(
                    f"another recordbake has held the recording for {seconds:.0f} s",
                    where=path,
                    next_step="wait until it has ended, then run the same command again",
                ) from None
            time.sleep(0.05)
        else:
            return
