"""What is inside compressed bytes, a piece at a time, so that a bomb costs time but no memory.

Content codings: RFC 9110 section 8.4.1, RFC 7932 (br), RFC 8878 (zstd). The last two need a package
each, which recordbake does not bring: clients that find it ask servers for other answers.
"""

from __future__ import annotations

import zlib
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
#: What to install, by coding.
PACKAGES = {"br": "brotli", "zstd": "zstandard"}


class UnknownCodingError(Exception):
    """Nobody here can decode this; the message is the coding."""


def codings(value: str) -> list[str]:
    """The codings that a Content-Encoding field names, in the order they were applied."""
    names = [name.strip().lower().removeprefix("x-") for name in value.split(",")]
    return [name for name in names if name not in ("", "identity")]


def coding_of(start: bytes) -> str:
    """The coding of bytes that begin as gzip, zlib or zstd do; empty if they do not."""
    if start.startswith(_GZIP):
        return "gzip"
    if start.startswith(_ZSTD):
        return "zstd"
    is_zlib = len(start) > 1 and start[0] == 0x78 and (start[0] * 256 + start[1]) % 31 == 0  # noqa: PLR2004 - RFC 1950
    return "deflate" if is_zlib else ""


def decoded(pieces: Iterable[bytes], names: list[str]) -> Iterator[bytes]:
    """What is inside, as far as it is whole.

    Args:
        pieces: the compressed bytes.
        names: codings, in the order they were applied.

    Raises:
        UnknownCodingError: one of them is not known, or needs a package that is not installed.
    """
    stages = {"gzip": _inflated, "deflate": _inflated, "br": _brotli, "zstd": _zstd}
    for name in reversed(names):
        if name not in stages:
            raise UnknownCodingError(name)
        pieces = stages[name](pieces)
    return iter(pieces)


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip, one member or several; zlib; deflate without a header, as some servers send it."""
    worker: Any = None
    bits = 0
    for piece in _eight_first(pieces):
        bits = bits or {"gzip": 31, "deflate": 15}.get(coding_of(piece), -15)
        rest = piece
        while rest:
            worker = worker or zlib.decompressobj(bits)
            try:
                yield worker.decompress(rest, _CHUNK)
            except zlib.error:
                return
            rest = worker.unused_data if worker.eof else worker.unconsumed_tail
            worker = None if worker.eof else worker


def _eight_first(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, but eight bytes at once in the beginning, by which a coding is told."""
    held: bytes | None = b""
    for piece in pieces:
        if held is None:
            yield piece
            continue
        held += piece
        if len(held) >= 8:  # noqa: PLR2004
            yield held
            held = None
    if held:
        yield held


def _brotli(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import brotli
    except ImportError:
        try:
            import brotlicffi as brotli
        except ImportError:
            raise UnknownCodingError("br") from None
    return _from_brotli(brotli, pieces)


def _from_brotli(brotli: Any, pieces: Iterable[bytes]) -> Iterator[bytes]:
    worker = brotli.Decompressor()
    limited = hasattr(worker, "can_accept_more_data")
    step = _CHUNK if limited else 4  # releases before 1.2 return all that a piece holds
    limit = {"output_buffer_limit": _CHUNK} if limited else {}
    try:
        for piece in pieces:
            for at in range(0, len(piece), step):
                data = worker.process(piece[at : at + step], **limit)
                while data:
                    yield data
                    data = worker.process(b"", **limit) if limited else b""
    except brotli.error:
        return


def _zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise UnknownCodingError("zstd") from None
    return _from_zstd(zstandard, pieces)


def _from_zstd(zstandard: Any, pieces: Iterable[bytes]) -> Iterator[bytes]:
    source = cast("IO[bytes]", _Pieces(iter(pieces)))
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
    try:
        while data := reader.read(_CHUNK):
            yield data
    except zstandard.ZstdError:
        return


class _Pieces:
    """Pieces as a stream; a read gives one, or the rest of one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._rest:
            following = next(self._pieces, None)
            if following is None:
                return b""
            self._rest = following
        data, self._rest = self._rest[:size], self._rest[size:]
        return data
