"""HTTP/1.1 message framing (RFC 9112): what it says, and putting it back for a replay.

Only the framing: everything a caller sees of a response is parsed by the client's own parser. It is
taken off by :mod:`.wire`.
"""

from __future__ import annotations

from .exchange import Head, Headers, header


def parse_headers(lines: list[bytes]) -> Headers:
    """Header lines as (name, value) pairs, as far as clients differ in what they make of them.

    Obsolete folding (RFC 9112 section 5.2) and blanks at the end are kept: http.client shows both.
    """
    headers: Headers = []
    for line in lines:
        text = line.decode("latin-1")
        if text[:1] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value}\r\n{text}")
        else:
            name, _, value = text.partition(":")
            headers.append((name, value.lstrip(" \t")))
    return headers


def bare_value(value: str) -> str:
    """A field value without folding and blanks at its ends, as most parsers show it."""
    if "\r\n" not in value:
        return value.strip(" \t")
    return " ".join(part.strip(" \t") for part in value.split("\r\n"))


def is_chunked(headers: Headers) -> bool:
    """Whether the body is chunked (RFC 9112 section 7.1)."""
    return "chunked" in (header(headers, "transfer-encoding") or "").lower()


def has_body(method: str, status: int) -> bool:
    """Whether a response has a body at all (RFC 9112 section 6.3, rule 1)."""
    return method != "HEAD" and status not in (204, 304) and status // 100 != 1


def content_length(headers: Headers) -> int | None:
    """The declared length in bytes, or None if there is none or it is no number."""
    value = header(headers, "content-length")
    return int(value) if value is not None and value.isdigit() else None


def status_line(head: Head) -> bytes:
    """A status line for an HTTP/1.1 parser; later versions become 1.1."""
    version = head.version if head.version in ("1.0", "1.1") else "1.1"
    line = f"HTTP/{version} {head.status} {head.reason}"
    return line.rstrip(" ").encode("latin-1", "replace")


def last_chunk(trailers: Headers) -> bytes:
    """The end of a chunked body (RFC 9112 section 7.1)."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in trailers])
    return b"0\r\n" + fields.encode("latin-1", "replace") + b"\r\n"


def head_bytes(head: Head) -> bytes:
    """Status line and header fields for an HTTP/1.1 parser, after the interim ones."""
    before = b"".join(
        head_bytes(Head(status, reason, head.version, headers))
        for status, reason, headers in head.interim
    )
    fields = [f"{name}: {value}" for name, value in head.headers]
    rest = "\r\n".join(["", *fields, "", ""])
    return before + status_line(head) + rest.encode("latin-1", "replace")
