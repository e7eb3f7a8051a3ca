"""A body for people: text decoded, anything else summarised; safe to print on a terminal."""

from __future__ import annotations

import json
import zlib
from itertools import islice

from recordbake.console import printable

#: Lines and characters of a text that are shown.
_LINES = 20
_CHARACTERS = 2000
#: Bytes that a compressed body is unpacked to, at most.
_UNPACKED = 1 << 20

#: First bytes -> what it is. Sources: the formats' own specifications.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
    (b"GGUF", "GGUF model"),
)


def preview(body: bytes, size: int, content_type: str, content_encoding: str) -> str:
    """What a body is, in a few lines.

    Args:
        body: its first bytes, at least; as sent.
        size: of the whole, in bytes.
        content_type: the value of its Content-Type field.
        content_encoding: the value of its Content-Encoding field.
    """
    if not size:
        return "(empty)"
    content = _decoded(body, content_encoding.strip().lower())
    text = None if content is None else _text(content, content_type, whole=len(body) == size)
    if text is None:
        return _summary(body if content is None else content, size, content_encoding)
    lines = printable(text[:_CHARACTERS]).splitlines()
    more = len(text) > _CHARACTERS or len(lines) > _LINES or len(body) < size
    return "\n".join([*lines[:_LINES], *(["..."] if more else [])])


def _decoded(body: bytes, encoding: str) -> bytes | None:
    """The body without its content coding (RFC 9110 section 8.4.1); None for one not known here."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    for wbits in (32 + zlib.MAX_WBITS, -zlib.MAX_WBITS):  # with a header; deflate without one
        try:
            return zlib.decompressobj(wbits).decompress(body, _UNPACKED)
        except zlib.error:
            continue
    return None


def _text(content: bytes, content_type: str, *, whole: bool) -> str | None:
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \"'")
    if b"\0" in content and not charset.lower().startswith("utf-16"):
        return None
    try:
        text = content.decode(charset or "utf-8")
    except LookupError:
        return None
    except UnicodeDecodeError as error:
        if whole or error.end < len(content) - 4:  # not only cut off within a character
            return content.decode("latin-1") if media_type.startswith("text/") else None
        text = content[: error.start].decode(charset or "utf-8", "replace")
    if media_type.strip().endswith("json"):
        try:
            encoder = json.JSONEncoder(indent=2, ensure_ascii=False)
            # Not all of it: indented, a deep document is a thousand times as large.
            return "".join(islice(encoder.iterencode(json.loads(text)), _CHARACTERS))
        except (ValueError, RecursionError):
            return text
    return text


def _summary(content: bytes, size: int, encoding: str) -> str:
    kind = next((name for magic, name in _MAGIC if content.startswith(magic)), "binary")
    coded = f", sent as {printable(encoding)}" if encoding else ""
    return f"({kind}, {size:,} bytes{coded}, begins {content[:8].hex(' ')})"
