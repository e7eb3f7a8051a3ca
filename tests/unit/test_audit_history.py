"""Several runs and audits, one after the other: what has changed, and how it went."""

from __future__ import annotations

import json

import pytest

from recordbake.audit import audit
from recordbake.audit.history import NAME
from tests.support import audit as planted
from tests.support.sample import T0, add_run, captured, make_recording, request_event

URLS = [f"https://h.org/{n}" for n in range(5)]
DAY = planted.DAY


def night(recording, where, number, misses):
    """A replay that misses so many requests, and its audit; returns audit.json and the page."""
    events = [request_event(url, "blocked" if n < misses else "hit") for n, url in enumerate(URLS)]
    name = f"202609{number:02}T000000.000000Z-replay_strict-{number:04}"
    add_run(recording, name, events, started_at=T0 + number * DAY)
    return again(recording, where, number)


def again(recording, where, number):
    audit(recording, where, now=planted.NOW + number * DAY)
    return json.loads((where / "audit.json").read_text()), (where / "audit.html").read_text()


@pytest.fixture
def nights(tmp_path):
    large = captured(URLS[0], b"x" * 5000)
    recording = make_recording(tmp_path / "r", [large])
    where = tmp_path / "reports"
    told = [night(recording, where, number, misses) for number, misses in enumerate((3, 1), 1)]
    make_recording(tmp_path / "r", [large, *(captured(url, b"y" * 2500) for url in URLS[1:3])])
    return recording, where, [*told, night(recording, where, 3, 0)]


def test_figures_are_told_with_their_change_since_the_run_before(nights):
    first, second, third = (data["figures"] for data, _ in nights[2])
    assert first["before"] is None
    assert [f["live_misses"] for f in (first, second, third)] == [3, 1, 0]
    assert second["before"] == {
        "requests": 5, "hits": 2, "live_misses": 3, "cache_bytes": 5000, "stale": 0,
    }  # fmt: skip
    assert third["before"]["live_misses"] == 1
    assert third["cache_bytes"] == 10_000
    page = nights[2][2][1]
    for change in ("\N{MINUS SIGN}1 since the last run", "+5.0 KB since the last run"):
        assert change in page


def test_the_trend_has_each_run_and_each_audit_once(nights):
    recording, where, told = nights
    data, page = told[2]
    assert [audited["live_misses"] for audited in data["trend"]] == [3, 1, 0]
    assert [audited["cache_bytes"] for audited in data["trend"]] == [5000, 5000, 10_000]
    assert [run["outcomes"].get("hit", 0) for run in data["runs"]] == [2, 4, 5]
    assert "3 runs; the latest had 5 hits and 0 live misses." in page
    assert "3 audits; 5.0 KB to 10 KB." in page
    assert "Cache size by audit" not in told[0][1]
    assert again(recording, where, 4)[0]["trend"][:2] == data["trend"][:2]
    assert len((where / NAME).read_text().splitlines()) == 3


def test_a_history_with_damage_is_read_as_far_as_it_goes(nights):
    recording, where, _ = nights
    lines = (where / NAME).read_text().splitlines()
    (where / NAME).write_text("\n".join(["{", lines[0], "[1]", "null", lines[1][:-3], lines[2]]))
    assert [a["live_misses"] for a in again(recording, where, 5)[0]["trend"]] == [3, 0]
