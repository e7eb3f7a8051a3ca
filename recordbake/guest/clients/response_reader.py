"""The bytes that a client's own parser reads: a head, then a body in the head's framing."""

from __future__ import annotations

import io

from .. import framing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Head

_PIECE = 65536


class ResponseReader(io.RawIOBase):
    """Serves a head and then a body, with the framing that the head declares.

    Subclasses provide ``_open`` (the head's bytes), ``_read`` (body without framing) and
    ``_begin_chunk`` (the length of the next chunk).
    """

    def __init__(self) -> None:
        super().__init__()
        self._pending: memoryview = memoryview(b"")
        self._opened = False
        self._ended = False
        self.framed = False
        self._left = 0  # of the chunk that has begun

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with what there is; 0 at the end.

        Raises:
            OSError: the transport failed, now or while recording.
        """
        if not self._pending:
            self._pending = memoryview(self._next(max(len(buffer), _PIECE)))
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def _next(self, size: int) -> bytes:
        if not self._opened:
            self._opened = True
            return self._open()
        if self._ended:
            return b""
        if self.framed:
            return self._next_in_chunk(size)
        data, _ = self._read(size)
        self._ended = not data
        return data

    def _next_in_chunk(self, size: int) -> bytes:
        """Chunks as they were, or of what there is where their lengths are not known."""
        line = b""
        if not self._left:
            self._left = self._begin_chunk()
            line = b"%x\r\n" % self._left if self._left else b""
        data, complete = self._read(min(size, self._left or size))
        if not data:
            self._ended = True
            return self._last_chunk() if complete else line or self._garbage()
        if not self._left:
            return b"%x\r\n%b\r\n" % (len(data), data)
        self._left -= len(data)
        return line + data + (b"" if self._left else b"\r\n")

    def _declare(self, method: str, head: Head) -> bytes:
        self._declare_framing(method, head)
        return framing.head_bytes(head)

    def _declare_framing(self, method: str, head: Head) -> None:
        self.framed = framing.is_chunked(head.headers) and framing.has_body(method, head.status)

    def whole(self) -> Any:
        """All of the response as a file without its fields, if it is at hand; else None."""
        return None

    def _open(self) -> bytes:
        raise NotImplementedError

    def _begin_chunk(self) -> int:
        raise NotImplementedError

    def _last_chunk(self) -> bytes:
        """The end of a chunked body."""
        return framing.last_chunk([])

    def _garbage(self) -> bytes:
        """What came instead of a chunk."""
        raise NotImplementedError

    def _read(self, size: int) -> tuple[bytes, bool]:
        raise NotImplementedError
