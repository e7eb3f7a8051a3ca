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

from recordbake.guest.codec import DAMAGE, decode_value
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
    with closing(connect_readonly(store)) as connection:
        connection.row_factory = None
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        rows = connection.execute(
            "SELECT key, take, method, url, body_size, vary, value, several FROM entries"
            " JOIN (SELECT key AS k, count(*) > 1 AS several FROM entries GROUP BY key)"
            " ON k = entries.key"
            " JOIN (SELECT key AS r, value FROM responses) ON r = response_key"
        )
        for row in rows:
            try:
                found[str(row[0]), int(row[1])] = _facts(row, store.parent / "bodies")
            except (*DAMAGE, OSError):
                continue  # the replay that needs it says so
    return found


def _facts(row: Any, bodies: Path) -> Facts:
    _, _, method, url, size, vary, value, several = row
    meta, head, inline = decode_value(value)
    sha256 = meta["body"]["sha256"]

    def body(most: int) -> bytes:
        if inline is not None:
            return inline[:most]
        with open_body(bodies, sha256) as stream:
            return stream.read(most)

    looks = shape = ""
    fields: tuple[tuple[str, str], ...] = ()
    if method == "GET" and head.status == _OK and _promises_a_file(url, head):
        prefix = decoded(body(_PREFIX), header(head.headers, "content-encoding") or "")[:_PREFIX]
        looks = "html" if _HTML.match(prefix) else "" if size else "empty"
    if several and method in ("GET", "HEAD"):
        text = decoded(body(_MOST_COMPARED), header(head.headers, "content-encoding") or "")
        digest = hashlib.sha256(_NUMBERS.sub(b"0", text) + (vary or "").encode())
        shape = digest.hexdigest()
        fields = tuple((name.lower(), text) for name, text in head.headers)
    return Facts(lifetime(head.headers), looks, shape, fields)


def decoded(data: bytes, encoding: str) -> bytes:
    """The beginning of a body without its gzip or deflate; other codings are left as they are."""
    wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(encoding.strip().lower())
    if wbits is None:
        return data
    try:
        return zlib.decompressobj(wbits=wbits).decompress(data, _MOST_COMPARED)
    except zlib.error:
        return data


def _promises_a_file(url: str, head: Head) -> bool:
    """Whether type or URL say that it is no page: an image, an archive, JSON."""
    declared = (header(head.headers, "content-type") or "").partition(";")[0].strip().lower()
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
