"""Writing a file so that a half-written one never carries its final name."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
_CHUNK = 1 << 20

_LARGEST = 32 << 20


def read_small(path: Path, limit: int = _LARGEST) -> bytes:
    """A file that is small where we wrote it.

    Args:
        path: the file.
        limit: bytes that it has at most.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger.
    """
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    return data


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary name beside ``path``, then rename; nothing is left behind on failure.

    Raises:
        OSError: the directory cannot be written or the disk is full.
    """
    with replacing(path) as temporary, naming(path):
        temporary.write_bytes(data)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let a system's error say which file is concerned; one that comes of a write does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def copy_atomically(source: Path, target: Path) -> None:
    """Copy a file's content, or a link as what it says, in the place of ``target``.

    Nobody else may write there meanwhile: what a killed one left is overwritten.

    Raises:
        OSError: the source cannot be read or the target cannot be written.
    """
    temporary = target.with_name(f".{target.name[:200]}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        shutil.copyfile(source, temporary, follow_symlinks=False)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside ``path`` to be filled, which then takes its name.

    It is locked while its process lives: what a killed one left is removed by the next.

    Raises:
        OSError: the directory cannot be written.
    """
    prefix = f".{path.name}."
    for left in path.parent.iterdir():
        if left.name.startswith(prefix) and left.name.endswith(".tmp"):
            _remove_abandoned(left)
    temporary, lock = _create(path.parent, prefix)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


def _create(directory: Path, prefix: str) -> tuple[Path, int]:
    while True:
        path = directory / f"{prefix}{os.urandom(4).hex()}.tmp"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process takes it for abandoned
            os.close(lock)
            continue
        except OSError:  # a file system without locks
            return path, lock
        if os.fstat(lock).st_nlink:
            return path, lock
        os.close(lock)


def _remove_abandoned(path: Path) -> None:
    with suppress(OSError):  # held, another user's, or gone
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(lock)


def digest_of(path: Path) -> str:
    """The sha256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while data := stream.read(_CHUNK):
            digest.update(data)
    return digest.hexdigest()
