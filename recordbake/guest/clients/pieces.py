"""The body of a take in the pieces that it was recorded in."""

from __future__ import annotations

import _io

from ..exchange import chunk_lengths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..exchange import Take

# A suite may replace functions of Python by mocks; these are the real ones.
_open = _io.open
_PIECE = 65536  # bytes: what most clients read at once


def pieces(take: Take) -> Iterable[bytes]:
    """The chunks that were sent; where there were none, what a client would read at once."""
    body = take.body
    if body is not None and not take.chunks:
        return (body,) if body else ()  # not more than a client reads at once
    return _cut(take)


def whole(take: Take) -> bytes:
    """The body, for a client that is going to join its pieces."""
    if take.body is not None:
        return take.body
    with _open(take.body_path or "", "rb") as stream:
        return stream.read()


def _cut(take: Take) -> Iterator[bytes]:
    lengths = chunk_lengths(take.chunks)
    if take.body is not None:
        at = 0
        while at < len(take.body):
            size = next(lengths, 0) or _PIECE
            yield take.body[at : at + size]
            at += size
        return
    with _open(take.body_path or "", "rb") as stream:
        while data := stream.read(min(next(lengths, 0) or _PIECE, _PIECE)):
            yield data
