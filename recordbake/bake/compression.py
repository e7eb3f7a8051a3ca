"""The compressors of an archive: their bytes depend on nothing but what is written into them.

gzip is written as members that follow each other (RFC 1952 section 2.2), one for each block, so
that blocks are compressed in parallel, by libdeflate. What does not get smaller (weights, images,
bodies that were sent compressed) is stored. See docs/adr/0020 and 0027.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from recordbake.packages import needed

if TYPE_CHECKING:
    from concurrent.futures import Future

#: All of these are part of the format: other values give other bytes.
LEVEL = 1
BLOCK = 1 << 20
PROBE = 4 << 10
PROBES = 4
ZSTD_LEVEL = 6
#: A probe that stays above this share of its size is not worth deflating.
_WORTH = 0.9


class Compressor(Protocol):
    """A stream to write to; ``close`` finishes it without closing what is below."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""

    def close(self) -> None:
        """Write what is left."""


class GzipWriter:
    """gzip members, compressed in parallel.

    Args:
        stream: where they go.

    Raises:
        UsageError: the package deflate is not installed.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._deflate = needed("deflate", "a bake", where="recordbake bake")
        self._stream = stream
        self._held: list[memoryview] = []
        self._room = BLOCK
        self._empty = True
        self._pending: deque[Future[bytes]] = deque()
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, "recordbake-gzip")

    def write(self, data: bytes, /) -> int:
        """Take bytes; blocks that are full go to the workers."""
        view = memoryview(data)
        while len(view) >= self._room:
            self._held.append(view[: self._room])
            view = view[self._room :]
            self._hand_over()
        if view:
            self._held.append(view)
            self._room -= len(view)
        return len(data)

    def flush(self) -> None:
        """Nothing: a block is written when it is full."""

    def close(self) -> None:
        """Write the last block."""
        try:
            if self._held or self._empty:
                self._hand_over()
            self._drain(0)
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _hand_over(self) -> None:
        block = b"".join(self._held)
        self._held, self._room, self._empty = [], BLOCK, False
        self._pending.append(self._pool.submit(_member, self._deflate, block))
        self._drain(2 * self._workers)

    def _drain(self, limit: int) -> None:
        while len(self._pending) > limit:
            self._stream.write(self._pending.popleft().result())


def _member(deflate: Any, block: bytes) -> bytes:
    """A block as a gzip member without name and time."""
    step = max(1, len(block) // PROBES)
    probe = b"".join(block[at : at + PROBE] for at in range(0, len(block), step))
    worth = len(deflate.deflate_compress(probe, 1)) < _WORTH * len(probe)
    return bytes(deflate.gzip_compress(block, LEVEL if worth else 0))


def compressor(kind: str, stream: IO[bytes]) -> Compressor:
    """A compressor of a kind: ``gzip`` or ``zstd`` (one thread, whose bytes are always the same).

    Raises:
        UsageError: the package that it needs is not installed.
    """
    if kind == "gzip":
        return GzipWriter(stream)
    worker = _zstandard().ZstdCompressor(level=ZSTD_LEVEL)
    return cast("Compressor", worker.stream_writer(stream, closefd=False))


def zstd_reader(stream: IO[bytes]) -> Any:
    """The bytes inside a zstd frame, as a stream.

    Raises:
        UsageError: the package zstandard is not installed.
    """
    return _zstandard().ZstdDecompressor().stream_reader(stream, closefd=False)


def zstd_error() -> type[Exception]:
    """What a damaged frame raises; none at all where zstandard is not installed."""
    try:
        import zstandard
    except ImportError:
        return EOFError
    return cast("type[Exception]", zstandard.ZstdError)


def _zstandard() -> Any:
    return needed("zstandard", "zstd archives", where="--compression", extra="zstd")
