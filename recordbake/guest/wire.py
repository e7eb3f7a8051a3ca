"""A live response as it comes: its head read, its body taken out of its framing (RFC 9112)."""

from __future__ import annotations

from .exchange import Head, Headers, header
from .framing import content_length, has_body, is_chunked, parse_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_MAX_LINE = 65536  # http.client's own limit
MAX_HEAD = 4 * 1024 * 1024


class GarbageError(Exception):
    """What was received is not an HTTP response head; ``raw`` is what came."""

    def __init__(self, raw: bytes) -> None:
        super().__init__("not an HTTP response")
        self.raw = raw


def _read_lines(stream: BinaryIO, raw: bytearray) -> list[bytes]:
    """Lines up to the empty one, which is not returned; ``raw`` collects what was read."""
    lines: list[bytes] = []
    while True:
        line = stream.readline(_MAX_LINE + 1)
        raw += line
        if line in (b"\r\n", b"\n", b""):
            return lines
        if len(line) > _MAX_LINE or len(raw) > MAX_HEAD:
            raise GarbageError(bytes(raw))
        lines.append(line.rstrip(b"\r\n"))


def read_head(stream: BinaryIO, *, keep_100: bool = False) -> Head | None:
    """Read a response head; see :func:`read_head_and_more`."""
    return read_head_and_more(stream, keep_100=keep_100)[0]


def read_head_and_more(stream: BinaryIO, *, keep_100: bool = False) -> tuple[Head | None, int]:
    """Read a response head, and the interim responses before it (RFC 9110 section 15.2).

    Args:
        stream: where the bytes come from.
        keep_100: also the interim ones that most clients pass over in silence.

    Returns:
        The head, or None when the server closed the connection without a byte; and how many bytes
        are sure to be at hand behind it.

    Raises:
        GarbageError: the bytes are no HTTP response head.
        OSError: the transport failed.
    """
    interim: list[tuple[int, str, Headers]] = []
    while True:
        found, more = _head_at_hand(stream), 0
        if found is None:
            raw = bytearray()
            lines = _read_lines(stream, raw)
            if not raw:
                return None, 0
            start = lines[0].decode("latin-1") if lines else ""
            headers = parse_headers(lines[1:])
        else:
            raw, start, headers, more = found
        version, _, rest = start.partition(" ")
        code, _, reason = rest.strip().partition(" ")
        status = int(code) if code.isascii() and code.isdigit() else 0
        if not version.startswith("HTTP/") or not 100 <= status <= 999:  # noqa: PLR2004
            raise GarbageError(bytes(raw))
        if status >= 200 or status == 101:  # noqa: PLR2004
            return Head(status, reason.strip(), version[5:], headers, interim), more
        if keep_100 or status != 100:  # noqa: PLR2004
            interim.append((status, reason.strip(), headers))


def _head_at_hand(stream: BinaryIO) -> tuple[bytearray, str, Headers, int] | None:
    """A head that came whole and without oddities: bytes, first line, fields, bytes behind it.

    Nothing is taken from the stream where that is not so.
    """
    peek = getattr(stream, "peek", None)
    there: bytes = peek(1) if peek is not None else b""
    end = there.find(b"\r\n\r\n", 0, _MAX_LINE) + 4
    if end < 4:  # noqa: PLR2004
        return None
    text = there[: end - 4].decode("latin-1")
    start, *lines = text.split("\r\n")
    odd = not start or "\n " in text or "\n\t" in text
    if odd or not text.count("\n") == text.count("\r") == len(lines):
        return None
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name, value.lstrip(" \t")))
    return bytearray(stream.read(end)), start, headers, len(there) - end


def persists(head: Head) -> bool:
    """Whether the connection may be used again (RFC 9112 section 9.3)."""
    option = (header(head.headers, "connection") or "").lower()
    return head.version == "1.1" and "close" not in option


class BodyReader:
    """Reads a body without its framing; ``complete`` tells whether its end was reached."""

    complete: bool

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        raise NotImplementedError


class NoBody(BodyReader):
    """The body of a response that has none."""

    complete = True

    def read(self, size: int) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""


class SizedBody(BodyReader):
    """A body of a declared length."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self.remaining = length
        self.complete = length == 0

    def read(self, size: int) -> bytes:
        """What the transport has, up to ``size``; empty at the end or when it was cut off."""
        data = _some(self._stream, min(size, self.remaining)) if self.remaining else b""
        self.remaining -= len(data)
        self.complete = self.remaining == 0
        return data


class ChunkedBody(BodyReader):
    """A chunked body; trailers are read and dropped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = 0
        self.complete = False
        self.garbage = b""  # a line that should have been a length

    def begin(self) -> int:
        """Go to the next chunk; its length, or 0 at the end or when the body was cut off."""
        if self.complete or self._left or self.garbage:
            return self._left  # behind garbage anything may look like a length
        line = self._stream.readline(_MAX_LINE)
        try:
            self._left = max(int(line.split(b";")[0], 16), -1) if line else -1
        except ValueError:
            self._left, self.garbage = -1, line
        if self._left == 0:
            _read_lines(self._stream, bytearray())
            self.complete = True
        self._left = max(self._left, 0)
        return self._left

    def read(self, size: int) -> bytes:
        """Up to the end of a chunk; empty at the end or when it was cut off."""
        if not self.begin():
            return b""
        data = _some(self._stream, min(size, self._left))
        self._left -= len(data)
        if data and not self._left:
            self._stream.read(2)  # the line break behind a chunk's data; clients do not look
        return data


class UnsizedBody(BodyReader):
    """A body that ends with the connection."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.complete = False

    def read(self, size: int) -> bytes:
        """What the transport has; empty at the end."""
        data = _some(self._stream, size)
        self.complete = not data
        return data


def _some(stream: BinaryIO, size: int) -> bytes:
    """At least a byte without waiting for all of them, so that streams stay streams."""
    return stream.read1(size)  # type: ignore[attr-defined,no-any-return]


def body_reader(stream: BinaryIO, method: str, head: Head) -> BodyReader:
    """The reader for a live response's body (RFC 9112 section 6.3)."""
    if not has_body(method, head.status):
        return NoBody()
    if is_chunked(head.headers):
        return ChunkedBody(stream)
    length = content_length(head.headers)
    return UnsizedBody(stream) if length is None else SizedBody(stream, length)
