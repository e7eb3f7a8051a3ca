"""Dates by which a client decides how it goes on are in a replay as far away as they were."""

from __future__ import annotations

import math
import re
import time

from . import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Headers

_EXPIRES = re.compile(r"(;\s*expires\s*=\s*)([^;]+)", re.IGNORECASE)
#: Names of fields with such dates; their lengths, asked first: this is done for each answer.
NAMES = frozenset({"set-cookie", "retry-after"})
_LENGTHS = frozenset(map(len, NAMES))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _imf_date(seconds: float) -> str:
    """Unix seconds as an IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale."""
    t = time.gmtime(seconds)
    day = f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year}"
    return f"{day} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"


def _has_date(name: str, value: str) -> bool:
    if len(name) not in _LENGTHS:
        return False
    name = name.lower()
    if name == "set-cookie":
        return _EXPIRES.search(value) is not None
    return name == "retry-after" and not value.strip().isdigit()


def as_far_away(headers: Headers, recorded_at: float) -> Headers:
    """Response headers in which what has run out since the recording has not.

    The Expires of a cookie (RFC 6265 section 5.2.1) is moved to be as far away as it was when
    recorded: a client that dropped the cookie would go on with another request. A cookie that the
    server deleted, by an Expires that was past even then, stays deleted, and one that is still
    valid keeps its date. A Retry-After (RFC 9110 section 10.2.3) that is a date is moved likewise.

    Args:
        headers: as recorded.
        recorded_at: Unix seconds.
    """
    if not any(_has_date(name, value) for name, value in headers):
        return headers
    from http.cookiejar import http2time  # type: ignore[attr-defined]  # public, not in stubs

    now = clock.now()

    def moved(text: str) -> str:
        date = http2time(text.strip())
        if date is None or not recorded_at < date <= now:
            return text
        return _imf_date(math.ceil(now + date - recorded_at))

    def ahead(name: str, value: str) -> str:
        if name.lower() == "retry-after":
            return moved(value)
        return _EXPIRES.sub(lambda match: match.group(1) + moved(match.group(2)), value)

    return [(name, ahead(name, value) if _has_date(name, value) else value)
            for name, value in headers]  # fmt: skip
