"""Dates in a recording that has aged."""

from __future__ import annotations

import sys
from http.cookiejar import http2time

import pytest

from recordbake.guest import clock, dates
from recordbake.guest.dates import as_far_away

RECORDED = 1_790_000_000.0
HOUR = 3600


@pytest.fixture
def now(monkeypatch):
    """Two hours after the recording."""
    monkeypatch.setattr(clock, "now", lambda: RECORDED + 2 * HOUR)
    return RECORDED + 2 * HOUR


def cookie(seconds):
    return f"a=1; Path=/; Expires={dates._imf_date(seconds)}; Secure"


def test_a_cookie_that_ran_out_since_is_valid_for_as_long_as_it_was(now):
    ((_, value),) = as_far_away([("Set-Cookie", cookie(RECORDED + HOUR))], RECORDED)
    assert value == cookie(now + HOUR)


@pytest.mark.parametrize(
    "value",
    [
        cookie(RECORDED - HOUR),
        cookie(0),
        cookie(RECORDED + 3 * HOUR),
        "a=1; Expires=whenever",
        "expires=soon",
        "a=1; Max-Age=60",
    ],
)
@pytest.mark.usefixtures("now")
def test_other_cookies_stay_as_they_are(value):
    headers = [("set-cookie", value), ("Expires", cookie(RECORDED + HOUR))]
    assert as_far_away(headers, RECORDED) == headers


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    "text", ["Sun, 21-Sep-2026 13:40:00 GMT", "Sunday, 21-Sep-26 13:40:00 GMT"]
)
def test_the_dates_that_servers_write(text):
    assert http2time(text) + 86400 > RECORDED
    ((_, value),) = as_far_away([("Set-Cookie", f"a=1; expires={text}")], http2time(text) - HOUR)
    assert value != f"a=1; expires={text}"


def test_dates_are_those_of_http():
    assert dates._imf_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_a_retry_after_is_as_far_away_as_it_was(now):
    def after(seconds):
        return [("retry-after", dates._imf_date(seconds)), ("Expires", dates._imf_date(0))]

    assert as_far_away(after(RECORDED + 2), RECORDED - 0.4) == after(now + 3)  # not too early
    for past_or_ahead in (after(RECORDED - 1), after(RECORDED + 3 * HOUR)):
        assert as_far_away(past_or_ahead, RECORDED) == past_or_ahead
    for other in ("1", "soon"):
        assert as_far_away([("Retry-After", other)], RECORDED) == [("Retry-After", other)]


def test_without_a_date_nothing_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "http.cookiejar", None)
    headers = [("Set-Cookie", "a=1; Max-Age=60"), ("Retry-After", "1"), ("Server-Info", "x")]
    assert as_far_away(headers, RECORDED) is headers
    with pytest.raises(ImportError):
        as_far_away([("Set-Cookie", cookie(RECORDED))], RECORDED)
