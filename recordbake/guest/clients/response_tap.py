"""A live response seen as it passes (RFC 9112): kept without its framing, and nothing held up."""

from __future__ import annotations

import io
import re

from .. import framing, wire
from ..exchange import BODY, HEAD, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..capture import Capture
    from ..exchange import Head

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class ResponseTap:
    """Reads what it is fed, as far as it goes.

    Attributes:
        head: once it has come whole; its capture gets it when the caller does.
        rest: what came behind the head, until :meth:`begin`.
        complete: whether the body has come whole.

    Args:
        method: of the request that is being answered.
        keep_100: whether the caller is shown interim responses 100 of the server's.
        plain_chunks: the caller takes a chunk's extensions (RFC 9112 section 7.1.1) for garbage.
    """

    def __init__(self, method: str, *, keep_100: bool, plain_chunks: bool = False) -> None:
        self.head: Head | None = None
        self.complete = False
        self.rest = b""
        self._method = method
        self._keep_100 = keep_100
        self._plain_chunks = plain_chunks
        self._raw = bytearray()
        self._searched = 0
        self._garbage = b""
        self._chunked = False
        self._left: int | None = 0  # of the body or its chunk; None: up to the connection's end
        self._line = bytearray()
        self._in_trailers = False
        self._capture: Capture | None = None

    def feed_head(self, data: bytes) -> None:
        """Bytes that came before :attr:`head` was there."""
        self._raw += data
        while self.head is None and not self._garbage:
            found = _BLANK_LINE.search(self._raw, self._searched)
            if found is None:
                return
            self._searched = found.end()
            try:
                start = io.BytesIO(self._raw[: found.end()])
                head = wire.read_head(start, keep_100=self._keep_100)
            except wire.GarbageError:
                self._garbage = bytes(self._raw)
                return
            if head is not None:  # it has read over interim ones
                self.rest = bytes(self._raw[found.end() :])
                self.head = head

    @property
    def is_garbage(self) -> bool:
        """Whether something came in the body that is no chunk."""
        return self._capture is not None and bool(self._garbage)

    @property
    def raw(self) -> bytes:
        """All that came of what may not be a head."""
        return bytes(self._raw)

    @property
    def is_begun(self) -> bool:
        """Whether the head was given to the caller."""
        return self._capture is not None

    def begin(self, capture: Capture) -> None:
        """The head is given to the caller."""
        head = self.head
        assert head is not None
        self._capture, capture.head = capture, head
        if not framing.has_body(self._method, head.status):
            self._left = 0
            self._end()
            return
        self._chunked = framing.is_chunked(head.headers)
        self._left = 0 if self._chunked else framing.content_length(head.headers)
        if self._left == 0 and not self._chunked:
            self._end()

    def feed(self, data: bytes) -> None:
        """Bytes of the body, with its framing."""
        assert self.head is not None
        if self.head.version == "2" and self._capture is not None:
            self._capture.chunk(len(data))  # its frames, which callers see as pieces
        at = 0
        while at < len(data) and not self.complete and not self._garbage:
            if self._chunked and not self._left:
                at = self._feed_line(data, at)
                continue
            size = len(data) - at if self._left is None else min(len(data) - at, self._left)
            self._keep(data[at : at + size])
            at += size

    def _keep(self, data: bytes) -> None:
        assert self._capture is not None
        self._capture.write(data)
        if self._left is not None:
            self._left -= len(data)
            if not self._left and not self._chunked:
                self._end()

    def _feed_line(self, data: bytes, at: int) -> int:
        """Between two chunks, or in the trailers; where the line ends."""
        end = data.find(b"\n", at)
        self._line += data[at : len(data) if end < 0 else end + 1]
        if end < 0:
            return len(data)
        line = bytes(self._line).strip()
        self._line.clear()
        if self._in_trailers:
            if not line:
                self._end()
            elif self.head is not None:
                self.head.trailers += framing.parse_headers([line])
        elif line:  # an empty one ends the chunk before
            self._begin_chunk(line)
        return end + 1

    def _begin_chunk(self, line: bytes) -> None:
        try:
            self._left = int(line if self._plain_chunks else line.split(b";")[0], 16)
        except ValueError:
            self._garbage = line + b"\r\n"
            return
        self._in_trailers = self._left == 0
        if self._left:
            assert self._capture is not None
            self._capture.chunk(self._left)

    def _end(self) -> None:
        """The response is whole: keep it before the caller has its last byte."""
        assert self._capture is not None
        self.complete = True
        self._capture.finish()

    def closed(self) -> Failure | None:
        """The server closed the connection: what failed, if it was too early."""
        if self._capture is None:
            kind, text = "disconnected", "closed without a response"
            if self._raw:
                kind, text = "protocol", "not an HTTP response"
            return Failure(kind, text, 0, HEAD, self.raw.decode("latin-1"))
        if self._left is None:
            self._end()
        if self.complete:
            return None
        raw = self._garbage.decode("latin-1")
        return Failure("truncated", "the connection was closed too early", 0, BODY, raw)
