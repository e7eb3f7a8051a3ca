"""Bytes that come in pieces, a window at a time, so that what lies across two is seen whole."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator

    #: Writes into a view, all of it unless there is no more; returns how many bytes.
    Fill = Callable[[memoryview], int]

_CHUNK = 1 << 18
#: Nothing that is looked for is longer; so much of each window is seen again with the next, and the
#: byte before, by which it is told whether something begins there.
_OVERLAP = 4096
_HELD = 1 + _OVERLAP


def windows(fill: Fill) -> Iterator[tuple[memoryview, slice]]:
    """Windows, each to be looked at before the next, and what part of each is its own.

    What begins in that part is in the window as a whole; each byte is in one such part.
    """
    view = memoryview(bytearray(_HELD + _CHUNK))
    first = start = _HELD
    while True:
        size = fill(view[_HELD:])
        end = _HELD + size
        if size < _CHUNK:
            yield view[first:end], slice(start - first, None)
            return
        yield view[first:end], slice(start - first, end - _OVERLAP - first)
        view[:_HELD] = view[_CHUNK:end]
        first, start = 0, _HELD - _OVERLAP


def reading(stream: io.BufferedReader, advance: Callable[[int], None]) -> Fill:
    """What fills a view from a file, without a copy.

    Args:
        stream: the file.
        advance: told how many bytes were read.
    """

    def fill(view: memoryview) -> int:
        size = stream.readinto(view)
        advance(size)
        return size

    return fill


def filling(pieces: Iterable[bytes]) -> Fill:
    """What fills a view from pieces of any length."""
    views = (memoryview(piece) for piece in pieces)
    rest = memoryview(b"")

    def fill(view: memoryview) -> int:
        nonlocal rest
        filled = 0
        for piece in itertools.chain([rest], views):
            size = min(len(piece), len(view) - filled)
            view[filled : filled + size] = piece[:size]
            filled += size
            rest = piece[size:]
            if filled == len(view):
                break
        return filled

    return fill


def pieces_of(stream: io.BufferedReader) -> Iterator[bytes]:
    """A file in pieces."""
    while data := stream.read(_CHUNK):
        yield data
