"""Writing an archive whose bytes depend on its members' names and contents only.

Rules: https://reproducible-builds.org/docs/archives/ (order, owner, mode, time), POSIX.1-2001 pax
for names that ustar cannot hold.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from typing import IO, TYPE_CHECKING, cast

from recordbake.bake.compression import compressor
from recordbake.bake.manifest import ArchiveInfo
from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.progress import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from recordbake.bake.members import Member

#: The latest time that fits a ustar header: 11 octal digits.
TIME_LIMIT = 8**11 - 1
_CHUNK = 1 << 18
FILE_MODE = 0o644
EXECUTABLE_MODE = 0o755


class _HashingWriter:
    """Passes bytes on, counting and hashing them."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def tell(self) -> int:
        return self.size

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _HashingReader:
    """Passes bytes on, hashing them where their digest matters."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None], *, hashed: bool) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._advance = advance
        self._hashed = hashed

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._hashed:
            self._hash.update(data)
        self._advance(len(data))
        return data

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def write_archive(
    path: Path,
    members: Iterable[Member],
    *,
    mtime: int,
    compression: str = "gzip",
    advance: Callable[[int], None] = nothing,
) -> ArchiveInfo:
    """Write members into a new archive and bring it to the disk.

    Args:
        path: the file to write; a temporary name, since it is incomplete until this returns.
        members: in any order; they are written sorted by the bytes of their names.
        mtime: modification time of every member, Unix seconds (UTC), 0 to ``TIME_LIMIT``.
        compression: ``gzip`` or ``zstd``.
        advance: called with numbers of bytes read, for progress.

    Returns:
        Digests and sizes of the file and of the tar inside.

    Raises:
        DamagedError: a member's content does not have the digest it must have.
        OSError: a member cannot be read or the archive cannot be written.
    """
    ordered = sorted(members, key=lambda member: os.fsencode(member.name))
    with path.open("wb") as file:
        outer = _HashingWriter(file)
        packed = compressor(compression, cast("IO[bytes]", outer))
        try:
            inner = _HashingWriter(cast("IO[bytes]", packed))
            with tarfile.TarFile(
                mode="w",
                fileobj=cast("BinaryIO", inner),
                format=tarfile.PAX_FORMAT,
                encoding="utf-8",
                errors="surrogateescape",
                copybufsize=_CHUNK,
            ) as tar:
                for member in ordered:
                    _add(tar, member, mtime, advance)
        finally:
            packed.close()
        file.flush()
        os.fsync(file.fileno())
    return ArchiveInfo(outer.sha256, outer.size, inner.sha256, inner.size, len(ordered))


def _add(tar: tarfile.TarFile, member: Member, mtime: int, advance: Callable[[int], None]) -> None:
    info = tarfile.TarInfo(member.name)  # owner 0, no owner names
    info.mtime = mtime
    if member.link is not None:
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, member.link
        tar.addfile(info)
    elif member.content is not None:
        info.size = len(member.content)
        info.mode = EXECUTABLE_MODE if member.executable else FILE_MODE
        tar.addfile(info, io.BytesIO(member.content))
    elif member.source is None:
        info.type, info.mode = tarfile.DIRTYPE, EXECUTABLE_MODE
        tar.addfile(info)
    else:
        _add_file(tar, info, member, advance)


def _add_file(
    tar: tarfile.TarFile, info: tarfile.TarInfo, member: Member, advance: Callable[[int], None]
) -> None:
    assert member.source is not None
    with member.source.open("rb") as stream:
        state = os.fstat(stream.fileno())
        info.size = state.st_size
        info.mode = EXECUTABLE_MODE if state.st_mode & stat.S_IXUSR else FILE_MODE
        content = _HashingReader(stream, advance, hashed=member.sha256 is not None)
        tar.addfile(info, cast("BinaryIO", content))
    if member.sha256 is not None and member.sha256 != content.sha256:
        raise DamagedError(
            "a body is not what was recorded: its bytes have changed",
            where=member.source,
            next_step=RECORD_AGAIN,
        )
