"""Cookies that were valid when they were recorded are valid when they are replayed."""

from __future__ import annotations

import re
import time

from . import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Headers

_EXPIRES = re.compile(r"(;\s*expires\s*=\s*)([^;]+)", re.IGNORECASE)
_LENGTH = len("set-cookie")  # asked first: this is done for each answer
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _imf_date(seconds: float) -> str:
    """Unix seconds as an IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale."""
    t = time.gmtime(seconds)
    day = f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year}"
    return f"{day} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"


def still_valid(headers: Headers, recorded_at: float) -> Headers:
    """Response headers in which a cookie that has run out since the recording has not.

    Its Expires (RFC 6265 section 5.2.1) is moved to be as far away as it was when recorded: a
    client that dropped the cookie would go on with another request. A cookie that the server
    deleted, by an Expires that was past even then, stays deleted, and one that is still valid
    keeps its date.

    Args:
        headers: as recorded.
        recorded_at: Unix seconds.
    """
    for name, value in headers:
        if len(name) == _LENGTH and name.lower() == "set-cookie" and _EXPIRES.search(value):
            break
    else:
        return headers
    from http.cookiejar import http2time  # type: ignore[attr-defined]  # public, not in stubs

    now = clock.now()

    def moved(match: re.Match[str]) -> str:
        expires = http2time(match.group(2).strip())
        if expires is None or not recorded_at < expires <= now:
            return match.group()
        return match.group(1) + _imf_date(now + expires - recorded_at)

    return [
        (name, _EXPIRES.sub(moved, value) if name.lower() == "set-cookie" else value)
        for name, value in headers
    ]
