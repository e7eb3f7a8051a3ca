"""What a place is that keeps a bake."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo, Manifest

CHUNK = 1 << 20
#: Bytes of a part; a property of the format (docs/reference/formats.md). What is cut off is sent
#: again from the beginning of a part, since neither fsspec nor every registry can go on within one.
PART = 64 << 20
#: No manifest is larger, in bytes.
MANIFEST_LIMIT = 256 << 20


class Place(Protocol):
    """A place under one URL. Its methods may raise anything; the caller explains it."""

    def send(self, bake_dir: Path, manifest: Manifest, advance: Callable[[int], None]) -> None:
        """Upload a bake that was verified; what is there already is not sent again.

        Until this returns, whoever fetches gets the bake that was there before, whole.

        Args:
            bake_dir: the bake.
            manifest: its manifest.
            advance: called with numbers of bytes sent, for progress.
        """

    def manifest(self) -> bytes:
        """The bytes of ``manifest.json``.

        Raises:
            FileNotFoundError: there is no bake.
        """

    def fetch(
        self, name: str, info: ArchiveInfo, target: Path, advance: Callable[[int], None]
    ) -> None:
        """Download one archive, after :meth:`manifest`.

        Args:
            name: the archive.
            info: what the manifest says of it.
            target: the file to write; what an earlier call left there is gone on with.
            advance: called with numbers of bytes that are there, for progress.
        """


class Part(NamedTuple):
    """A part of an archive: what its name ends with, where it starts, its size in bytes."""

    end: str
    start: int
    size: int


def parts(size: int) -> list[Part]:
    """The parts that an archive of so many bytes is sent in."""
    if size <= PART:
        return [Part("", 0, size)]
    starts = range(0, size, PART)
    return [Part(f".{n:04}", start, min(PART, size - start)) for n, start in enumerate(starts)]


def copy(source: IO[bytes], sink: IO[bytes], advance: Callable[[int], None], end: int) -> None:
    """Copy what is left of a stream; see :func:`write_all`."""
    write_all(iter(lambda: source.read(CHUNK), b""), sink, advance, end)


def write_all(
    pieces: Iterable[bytes],
    sink: IO[bytes],
    advance: Callable[[int], None],
    end: int | None = None,
) -> None:
    """Write pieces one by one, so that what has come is there when the next does not come.

    Args:
        pieces: of bytes.
        sink: where to.
        advance: told of each piece.
        end: where in the sink they end at the latest; None if they are our own.

    Raises:
        OverflowError: there are more, and who sends them might never stop.
    """
    for data in pieces:
        if end is not None and sink.tell() + len(data) > end:
            raise OverflowError("more arrives than the manifest says")
        sink.write(data)
        advance(len(data))
