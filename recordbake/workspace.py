"""Private working directories, so that nothing half-written ever carries a final name."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def explaining(doing: str, where: Path) -> Iterator[None]:
    """Turn an OSError of the body into an error for people.

    Args:
        doing: what cannot be done, as the start of a sentence.
        where: the place concerned where the OSError names none.

    Raises:
        DamagedError: the disk is full, or the system refused for the reason it gives.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        raise DamagedError(
            f"{doing}: {'the disk is full' if full else error.strerror or error}",
            where=where if full else error.filename or where,
            next_step="free space, then run the same command again"
            if full
            else "make it accessible, then run the same command again",
        ) from error


@contextmanager
def workspace(
    parent: Path, prefix: str, in_use: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """A directory for work in progress, removed at the end whatever happens.

    It is locked while its process lives, so that the next command can tell and remove what a
    killed one left.

    Args:
        parent: where the result will stand; created if needed, removed again on an error.
        prefix: how the directory's name starts; unique to the kind of work and result.
        in_use: whether somebody goes on using such a directory; then it stays until the next
            command.

    Raises:
        OSError: ``parent`` cannot be written.
    """
    created = [p for p in (parent, *parent.parents) if not p.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent, prefix, in_use)
    path, lock = _make(parent, prefix)
    try:
        yield path
    except BaseException:
        _remove(path, in_use)
        with suppress(OSError):
            for directory in created:
                directory.rmdir()
        raise
    finally:
        _remove(path, in_use)
        if lock is not None:
            os.close(lock)


def _remove(path: Path, in_use: Callable[[Path], bool]) -> None:
    if not in_use(path):
        shutil.rmtree(path, ignore_errors=True)


def sync_directory(path: Path) -> None:
    """Make renames in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def temporary(name: str, in_use: Callable[[Path], bool] = lambda _: False) -> Iterator[Path]:
    """A :func:`workspace` among the system's temporary files.

    Args:
        name: what it is for.
        in_use: see :func:`workspace`.

    Raises:
        OSError: there is no room for temporary files.
    """
    parent = Path(tempfile.gettempdir())
    with workspace(parent, f"recordbake-{name}-{os.getuid()}-", in_use) as path:
        yield path


def _make(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Create a directory and lock it; until it is locked, another process may take it for left."""
    while True:
        path = parent / f"{prefix}{os.urandom(6).hex()}"
        path.mkdir(mode=0o700)
        try:
            lock = _lock(path)
        except (FileNotFoundError, BlockingIOError):
            continue
        if lock is None or _is_at(path, lock):
            return path, lock
        os.close(lock)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _lock(path: Path) -> int | None:
    """A descriptor that holds the directory's lock; None on a file system without locks.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_abandoned(
    parent: Path, prefix: str, in_use: Callable[[Path], bool] = lambda _: False
) -> None:
    for path in parent.iterdir():
        if path.name.startswith(prefix):
            with suppress(OSError):  # held, another user's, or already gone
                lock = _lock(path)
                if lock is not None:
                    _remove(path, in_use)
                    os.close(lock)
