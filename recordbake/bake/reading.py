"""Reading an archive that may be hostile: everything that a bake never holds is refused.

The tar is read as a stream, through the digests and sizes of the manifest, so that no more bytes
are unpacked than it declares. Members are handed to a callback; nothing is written here.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from recordbake.bake.compression import zstd_error, zstd_reader
from recordbake.errors import DamagedError
from recordbake.progress import nothing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from recordbake.bake.manifest import ArchiveInfo

_CHUNK = 1 << 20
_TYPES = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link"}
#: Fields of an extended header that our writer may need; others change what a member is.
_PAX_FIELDS = {"path", "linkpath", "size", "hdrcharset"}
#: A place for tarfile's own filter to judge from: nothing there, so no link of this machine counts.
_NOWHERE = "/recordbake-nowhere"
_PAX_LIMIT = 64 << 10
_LONGEST_NAME = 4096  # PATH_MAX of Linux
#: Members of an archive: each costs memory while it is read, and next to nothing while it is sent.
_MOST_MEMBERS = 1_000_000
#: What tarfile, gzip and zlib raise on bytes that no writer wrote.
_UNREADABLE = (
    tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, ArithmeticError,
    LookupError, RecursionError, zstd_error(),
)  # fmt: skip


class RefusedError(Exception):
    """An archive holds something that a bake never holds; the message says what."""


@dataclass(frozen=True)
class Entry:
    """One member, checked.

    Args:
        name: path in the archive, clean, below the archive's root.
        link: what it says if it is a link.
        content: the bytes if it is a file; valid until the callback returns.
        size: of the content, in bytes.
        executable: whether a file is.
    """

    name: str
    link: str | None = None
    content: IO[bytes] | None = None
    size: int = 0
    executable: bool = False


class _Header(tarfile.TarInfo):
    """A header that is refused before anything of its data is read into memory."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type == tarfile.XHDTYPE and header.size > _PAX_LIMIT:
            raise RefusedError("an extended header is too large")
        if header.type not in (*_TYPES, tarfile.XHDTYPE):
            raise RefusedError(f"{header.name!r} is neither file, directory nor symbolic link")
        return header


class _Metered:
    """Passes bytes on, hashing them, and refuses more than were declared."""

    def __init__(
        self,
        stream: IO[bytes],
        limit: int,
        what: str,
        advance: Callable[[int], None] = nothing,
    ) -> None:
        self._advance = advance
        self._stream = stream
        self._hash = hashlib.sha256()
        self._limit = limit
        self._what = what
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(_CHUNK if size < 0 else min(size, _CHUNK))
        self._hash.update(data)
        self._advance(len(data))
        self.size += len(data)
        if self.size > self._limit:
            raise RefusedError(f"{self._what} is larger than the manifest says")
        return data

    def finish(self, sha256: str) -> None:
        """Read to the end, where nothing but padding may stand, and compare the digest."""
        while data := self.read():
            if data.strip(b"\0"):
                raise RefusedError(f"there is something after the end of {self._what}")
        if self.size != self._limit or self._hash.hexdigest() != sha256:
            raise RefusedError(f"{self._what} is not the one the manifest names")


def _decompressor(path: Path, stream: _Metered) -> Any:
    if path.name.endswith(".zst"):
        return zstd_reader(cast("IO[bytes]", stream))
    return gzip.GzipFile(fileobj=cast("BinaryIO", stream))


def read_archive(
    path: Path,
    info: ArchiveInfo,
    root: str,
    take: Callable[[Entry], None],
    advance: Callable[[int], None] = nothing,
) -> None:
    """Read an archive, checking it against its manifest and every member against the rules.

    Args:
        path: the archive.
        info: what the manifest says of it.
        root: the one directory that all its members lie in.
        take: called with each member, parents before children. What it is given is proven only
            once this function has returned.
        advance: called with numbers of unpacked bytes, for progress.

    Raises:
        DamagedError: the archive is missing, damaged, hostile or not the manifest's.
        OSError: from ``take``.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _damaged(f"the archive cannot be read: {error.strerror}", path) from error
    with file:
        outer = _Metered(file, info.size, "the archive")
        try:
            with _decompressor(path, outer) as unpacked:
                inner = _Metered(unpacked, info.tar_size, "the tar inside", advance)
                count = _read_members(inner, info.files, root, take)
                inner.finish(info.tar_sha256)
            outer.finish(info.sha256)
            if count != info.files:
                raise RefusedError(f"it has {count} members, the manifest says {info.files}")  # noqa: TRY301 - its sentence is written here
        except RefusedError as error:
            raise _damaged(f"the archive is refused: {error}", path) from error
        except _UNREADABLE as error:
            raise _damaged(f"the archive is damaged: {error}", path) from error


def _damaged(what: str, where: Path) -> DamagedError:
    return DamagedError(what, where=where, next_step="bake or fetch it again: recordbake bake")


def _read_members(stream: _Metered, limit: int, root: str, take: Callable[[Entry], None]) -> int:
    names: set[str] = set()
    directories: set[str] = set()
    with tarfile.open(
        mode="r|",
        fileobj=cast("BinaryIO", stream),
        tarinfo=_Header,
        encoding="utf-8",
        errors="surrogateescape",
    ) as tar:
        for member in tar:
            if max(len(member.name), len(member.linkname)) > _LONGEST_NAME:
                raise RefusedError(f"{member.name[:100]!r}... is longer than a path can be")
            if member.name in names:
                raise RefusedError(f"{member.name!r} is in it twice")
            names.add(member.name)
            vars(tar)["members"].clear()  # tarfile keeps them all
            if len(names) > min(limit, _MOST_MEMBERS):
                raise RefusedError("it has more members than the manifest says")
            _check(member, root, directories)
            content = tar.extractfile(member) if member.isreg() else None
            link = member.linkname if member.issym() else None
            executable = bool(member.mode & 0o100)
            take(Entry(member.name, link, content, member.size, executable))
    return len(names)


def _check(member: tarfile.TarInfo, root: str, directories: set[str]) -> None:
    """Refuse what would be written outside, through a link, or as anything special."""
    name = member.name
    parts = name.split("/")
    if "\0" in name or ".." in parts or posixpath.normpath(name) != name or parts[0] != root:
        raise RefusedError(f"{name!r} does not lie in {root}/")
    if member.type not in _TYPES or member.sparse is not None or member.size < 0:
        raise RefusedError(f"{name!r} is neither file, directory nor symbolic link")
    if not set(member.pax_headers) <= _PAX_FIELDS:
        raise RefusedError(f"{name!r} has an extended header that a bake never has")
    if name != root and posixpath.dirname(name) not in directories:
        raise RefusedError(f"{name!r} does not stand in a directory of the archive")
    if name == root and not member.isdir():
        raise RefusedError(f"{name!r} is not a directory")
    if member.issym() and ("\0" in member.linkname or not member.linkname):
        raise RefusedError(f"{name!r} is a link to nothing")
    if hasattr(tarfile, "data_filter"):  # Python 3.12, 3.11.4, 3.10.12
        try:
            tarfile.data_filter(member, _NOWHERE)
        except tarfile.FilterError as error:
            raise RefusedError(str(error)) from error
    if member.isdir():
        directories.add(name)
