"""Collects the bytes that a client sends until they are one whole request (RFC 9112)."""

from __future__ import annotations

from functools import lru_cache

from .exchange import Headers, header
from .framing import is_chunked, parse_headers


@lru_cache(maxsize=64)
def _parse_fields(block: bytes) -> tuple[Headers, int | None, bool]:
    """A request's fields, its body's length (None: chunked), and whether it waits for a 100.

    Most of a client's requests have the same.
    """
    headers = parse_headers(block.split(b"\r\n") if block else [])
    waits = (header(headers, "expect") or "").lower() == "100-continue"
    if is_chunked(headers):
        return headers, None, waits
    length = header(headers, "content-length") or "0"
    return headers, int(length) if length.isdigit() else 0, waits


class RequestBuffer:
    """The bytes of one request.

    Attributes:
        method, target: from the request line, once the head is there.
        headers: header fields in order.
        complete: whether head and body are whole.
        expects_continue: whether the client waits for a 100 before it sends the body (RFC 9110
            section 10.1.1).
    """

    def __init__(self) -> None:
        self.raw = bytearray()
        self.method = ""
        self.target = ""
        self.headers: Headers = []
        self.complete = False
        self._body_start = 0
        self._length: int | None = 0
        self._scanned = 0
        self.expects_continue = False

    @property
    def has_head(self) -> bool:
        """Whether the head is there."""
        return self._body_start > 0

    def feed(self, data: bytes) -> bool:
        """Add bytes; True once the request is complete."""
        self.raw += data
        if not self._body_start:
            end = self.raw.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._parse_head(bytes(self.raw[:end]))
            self._body_start = self._scanned = end + 4
        if self._length is not None:
            self.complete = len(self.raw) - self._body_start >= self._length
        else:
            self.complete = self._last_chunk_seen()
        return self.complete

    def _parse_head(self, head: bytes) -> None:
        line, _, block = head.partition(b"\r\n")
        words = line.decode("latin-1").split(" ")
        self.method, self.target = words[0], " ".join(words[1:-1])
        fields, self._length, self.expects_continue = _parse_fields(block)
        self.headers = list(fields)

    def _last_chunk_seen(self) -> bool:
        """Walk over whole chunks from where the last walk stopped."""
        while True:
            line_end = self.raw.find(b"\r\n", self._scanned)
            if line_end < 0:
                return False
            size = int(bytes(self.raw[self._scanned : line_end]).split(b";")[0] or b"0", 16)
            after = line_end + 2 + size + 2
            if size == 0:
                return self.raw.find(b"\r\n", line_end + 2) >= 0
            if len(self.raw) < after:
                return False
            self._scanned = after

    def body(self) -> bytes:
        """The body without framing."""
        if self._length is not None:
            return bytes(self.raw[self._body_start : self._body_start + self._length])
        parts: list[bytes] = []
        at = self._body_start
        while True:
            line_end = self.raw.index(b"\r\n", at)
            size = int(bytes(self.raw[at:line_end]).split(b";")[0], 16)
            if size == 0:
                return b"".join(parts)
            parts.append(bytes(self.raw[line_end + 2 : line_end + 2 + size]))
            at = line_end + 2 + size + 2


def whole_request(method: str, headers: Headers, body: bytes) -> RequestBuffer:
    """A request that was never sent, as one that was."""
    buffer = RequestBuffer()
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"{method} / HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    buffer.feed(head.encode("latin-1", "replace") + body)
    return buffer
