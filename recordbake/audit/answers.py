"""What the table of entries does not tell and their stored answers do, read one by one."""

from __future__ import annotations

import hashlib
import math
import mimetypes
import re
import zlib
from contextlib import closing
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from recordbake.guest.codec import DAMAGE, MAGIC, decode_value
from recordbake.guest.exchange import header
from recordbake.store import connect_readonly, open_body

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.guest.exchange import Head, Headers

_OK = 200
_PREFIX = 2048  # bytes of a body that show what it is
_MOST_COMPARED = 1 << 20  # bytes of a body that takes are compared by
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_NO_CACHE = re.compile(r"(?:^|[\s,])no-(?:cache|store)\b", re.IGNORECASE)
#: Numbers and identifiers: what differs from answer to answer without meaning.
_NUMBERS = re.compile(rb"[0-9a-fA-F]{8,}|[0-9]+")
#: WHATWG MIME Sniffing, section 7.1: tags that make a body HTML.
_HTML = re.compile(rb"\s*(?:<!--(?:(?!-->).){0,1000}-->\s*)*<(?:!doctype html|html|head|body)[\s>]",
                   re.IGNORECASE | re.DOTALL)  # fmt: skip
_TEXTUAL = frozenset(
    {"text/html", "application/xhtml+xml", "text/xml", "application/xml", "text/plain"}
)


@dataclass(frozen=True)
class Facts:
    """What one stored answer tells.

    Args:
        lifetime: seconds from recording that it is fresh for; NaN where it says nothing.
        looks: ``html`` or ``empty`` where it should be something else, otherwise empty.
        shape: digest of its body without numbers and identifiers, of takes of one request.
        fields: its header fields, names in lower case, of takes of one request.
    """

    lifetime: float = math.nan
    looks: str = ""
    shape: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def read_answers(store: Path) -> dict[tuple[str, int], Facts]:
    """The facts of all entries that have an answer, by key and take; a damaged one is left out.

    Raises:
        sqlite3.Error: the store is damaged.
    """
    found: dict[tuple[str, int], Facts] = {}
    bodies = store.parent / "bodies"
    with closing(connect_readonly(store)) as connection:
        connection.row_factory = None
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        several = {str(key) for (key,) in connection.execute(_SEVERAL)}
        for key, take, method, url, type_, size, vary, value in connection.execute(_ANSWERS):
            is_file = method == "GET" and _promises_a_file(str(url or ""), str(type_ or ""))
            if not (is_file or key in several or _says_how_long(value)):
                continue
            try:
                answer = _Answer(method, size, vary, *decode_value(value), bodies)
                found[str(key), int(take)] = Facts(
                    lifetime(answer.head.headers),
                    answer.looks() if is_file else "",
                    *(answer.shape() if key in several else ("", ())),
                )
            except (*DAMAGE, OSError):
                continue  # the replay that needs it says so
    return found


_SEVERAL = "SELECT key FROM entries GROUP BY key HAVING count(*) > 1"
_ANSWERS = (
    "SELECT key, take, method, url, content_type, body_size, vary, value FROM entries"
    " JOIN (SELECT key AS r, value FROM responses) ON r = response_key"
)


def _says_how_long(value: Any) -> bool:
    """Whether a value may have a header field that says how long it is fresh, by its bytes."""
    if not isinstance(value, bytes):
        return False
    line = value[: value.find(b"\n", len(MAGIC))].lower()
    return b'"cache-control"' in line or b'"expires"' in line or b"\\u00" in line


@dataclass(frozen=True)
class _Answer:
    """A stored answer: what its row tells, what its value tells, and where bodies are."""

    method: str
    size: int
    vary: str | None
    meta: dict[str, Any]
    head: Head
    inline: bytes | None
    bodies: Path

    def body(self, most: int) -> bytes:
        """The beginning of the body, decoded."""
        if self.inline is not None:
            data = self.inline[:most]
        else:
            with open_body(self.bodies, self.meta["body"]["sha256"]) as stream:
                data = stream.read(most)
        return decoded(data, header(self.head.headers, "content-encoding") or "")[:most]

    def looks(self) -> str:
        """What it is where a file was promised."""
        if self.head.status != _OK:
            return ""
        return "html" if _HTML.match(self.body(_PREFIX)) else "" if self.size else "empty"

    def shape(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What its other takes are compared with: :class:`Facts`' ``shape`` and ``fields``."""
        if self.method not in ("GET", "HEAD"):
            return "", ()
        text = _NUMBERS.sub(b"0", self.body(_MOST_COMPARED))
        digest = hashlib.sha256(text + (self.vary or "").encode())
        return digest.hexdigest(), tuple((n.lower(), value) for n, value in self.head.headers)


def decoded(data: bytes, encoding: str) -> bytes:
    """The beginning of a body without its gzip or deflate; other codings are left as they are."""
    wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding.strip().lower())
    if wbits is None:
        return data
    try:
        return zlib.decompressobj(wbits=wbits).decompress(data, _MOST_COMPARED)
    except zlib.error:
        return data


def _promises_a_file(url: str, content_type: str) -> bool:
    """Whether type or URL say that it is no page: an image, an archive, JSON."""
    declared = content_type.partition(";")[0].strip().lower()
    if declared and declared not in _TEXTUAL and not declared.startswith("text/"):
        return True
    if "." not in url.partition("?")[0].rpartition("/")[2]:
        return False
    guessed = mimetypes.guess_type(urlsplit(url).path)[0] or ""
    return bool(guessed) and guessed not in _TEXTUAL and not guessed.startswith("text/")


def lifetime(headers: Headers) -> float:
    """Seconds from recording that an answer says it is fresh for; NaN where it says nothing.

    RFC 9111, 4.2.1 (max-age before Expires minus Date) and 4.2.3 (Age is spent already).
    """
    control = ", ".join(value for name, value in headers if name.lower() == "cache-control")
    if _NO_CACHE.search(control):
        return math.nan
    fresh = 0.0
    if match := _MAX_AGE.search(control):
        fresh = float(match.group(1))
    else:
        expires, date = (_date(header(headers, name)) for name in ("expires", "date"))
        if expires is not None and date is not None:
            fresh = expires - date
    if fresh <= 0:
        return math.nan
    age = (header(headers, "age") or "").strip()
    return max(0.0, fresh - float(age) if age.isascii() and age.isdigit() else fresh)


def _date(text: str | None) -> float | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.timestamp()
