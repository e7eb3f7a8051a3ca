"""The compressors of an archive: their bytes depend on nothing but what is written into them.

gzip is a member as any other (RFC 1952), made of blocks that are deflated independently and in
parallel, each with the 32 KiB before it as dictionary, as pigz does. What does not get smaller
(weights, images, bodies that were sent compressed) is stored. See docs/adr/0020.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from recordbake.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import Future

#: All of these are part of the format: other values give other bytes.
LEVEL = 6
BLOCK = 1 << 20
WINDOW = 32 << 10
PROBE = 4 << 10
PROBES = 4
ZSTD_LEVEL = 6
#: A probe that stays above this share of its size is not worth deflating.
_WORTH = 0.9
#: No name, time 0, no extra flags, "Unix" (RFC 1952 section 2.3).
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


class Compressor(Protocol):
    """A stream to write to; ``close`` finishes it without closing what is below."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""

    def close(self) -> None:
        """Write what is left."""


class GzipWriter:
    """One gzip member, deflated in parallel.

    Args:
        stream: where it goes.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._held: list[bytes | memoryview] = []
        self._room = BLOCK
        self._before = b""
        self._crc = 0
        self._size = 0
        self._pending: deque[Future[bytes]] = deque()
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, "recordbake-gzip")
        stream.write(_HEADER)

    def write(self, data: bytes, /) -> int:
        """Take bytes; blocks that are full go to the workers."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        view, at = memoryview(data), 0
        while len(data) - at >= self._room:
            self._held.append(view[at : at + self._room])
            at += self._room
            self._hand_over()
        if at < len(data):
            self._held.append(data[at:])  # a copy where it is a part: the rest may be let go
            self._room -= len(data) - at
        return len(data)

    def flush(self) -> None:
        """Nothing: a block is written when it is full."""

    def close(self) -> None:
        """Write the last block and the trailer."""
        try:
            if self._held:
                self._hand_over()
            self._drain(0)
            self._stream.write(b"\x03\x00")  # an empty last block (RFC 1951 section 3.2.3)
            self._stream.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _hand_over(self) -> None:
        block = b"".join(self._held)
        self._held, self._room = [], BLOCK
        self._pending.append(self._pool.submit(_deflate, block, self._before))
        self._before = block[-WINDOW:]
        self._drain(2 * self._workers)

    def _drain(self, limit: int) -> None:
        while len(self._pending) > limit:
            self._stream.write(self._pending.popleft().result())


def _deflate(block: bytes, before: bytes) -> bytes:
    """A block as raw deflate that ends on a byte's boundary and is not the last."""
    step = max(1, len(block) // PROBES)
    probe = b"".join(block[at : at + PROBE] for at in range(0, len(block), step))
    worth = len(zlib.compress(probe, 1)) < _WORTH * len(probe)
    if worth and before:
        worker = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, zdict=before)
    else:
        worker = zlib.compressobj(LEVEL if worth else 0, zlib.DEFLATED, -15)
    return worker.compress(block) + worker.flush(zlib.Z_SYNC_FLUSH)


def compressor(kind: str, stream: IO[bytes]) -> Compressor:
    """A compressor of a kind: ``gzip`` or ``zstd`` (one thread, whose bytes are always the same).

    Raises:
        UsageError: zstd is asked for, and the package zstandard is not installed.
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
    try:
        import zstandard
    except ImportError:
        raise UsageError(
            "zstd archives need the package zstandard", next_step="pip install 'recordbake[zstd]'"
        ) from None
    return zstandard
