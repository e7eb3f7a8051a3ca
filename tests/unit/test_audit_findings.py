"""Findings: each planted one is found, and nothing else is."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordbake.audit.answers import lifetime
from recordbake.audit.figures import figures
from recordbake.audit.findings import KINDS, Upstream, find, iso
from recordbake.audit.load import load
from recordbake.audit.remote import find_runs
from recordbake.audit.revisions import MovedRevision
from recordbake.audit.summary import history, hosts
from recordbake.recording import Recording
from tests.support import audit as planted
from tests.support.sample import T0, add_run, captured, make_recording, request_event

if TYPE_CHECKING:
    from recordbake.audit.findings import Finding


def findings_of(recording: Recording, days: float = 30, now: float = planted.NOW) -> list[Finding]:
    return find(load(recording), stale_after_days=days, now=now, limits=planted.LIMITS)


@pytest.fixture(scope="module")
def all_planted(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    loaded = load(planted.planted_recording(tmp_path_factory.mktemp("planted") / "r"))
    return find(
        loaded, stale_after_days=30, now=planted.NOW, limits=planted.LIMITS,
        known=planted.planted_upstream(),
    )  # fmt: skip


@pytest.fixture
def by_kind(all_planted: list[Finding]) -> dict[str, Finding]:
    return {f.kind: f for f in all_planted}


def test_each_planted_finding_is_found_once_and_nothing_else(all_planted):
    found = all_planted
    assert [f.kind for f in found] == list(KINDS)
    assert all(f.severity == KINDS[f.kind] and f.action for f in found)


def test_a_clean_recording_has_no_finding(tmp_path):
    assert findings_of(planted.clean_recording(tmp_path / "r")) == []


def test_a_live_miss_is_grouped_by_request_and_names_tests_host_and_first_time(by_kind):
    miss = by_kind["live-miss"]
    assert miss.subject == f"GET {planted.MISSED}"
    assert miss.tests == ("t.py::a", "t.py::b")
    assert miss.evidence["by_test"] == {"t.py::a": 2, "t.py::b": 1}
    assert miss.evidence["count"] == 3
    assert miss.evidence["host"] == "api.example.org"
    assert miss.evidence["first_seen"] == iso(T0 + 3)
    assert miss.evidence["outcomes"] == ["blocked"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_live_miss_was_first_seen_in_the_earliest_replay_that_is_kept(tmp_path, elsewhere):
    recording = make_recording(tmp_path / "r", [captured(planted.STALE)])
    missed, other = planted.MISSED, "https://api.example.org/other"
    asked = [("record", [missed]), ("replay", [missed, missed, other]), ("replay", []),
             ("replay", [missed])]  # fmt: skip
    for number, (mode, urls) in enumerate(asked):
        events = [request_event(url, "forwarded", ts=T0 + 100 * number + n)
                  for n, url in enumerate(urls)]  # fmt: skip
        name = f"2026090{number + 1}T000000.000000Z-{mode}-000{number}"
        add_run(recording, name, events[::-1], mode=mode)
    runs = find_runs(f"{recording.runs_dir}/*/http_log.ndjson")
    loaded = load(recording)
    if elsewhere:
        bare = make_recording(tmp_path / "bare", [captured(planted.STALE)])
        loaded = load(bare, journals=runs)
    found = find(loaded, stale_after_days=30, now=planted.NOW)
    (miss,) = [finding for finding in found if finding.kind == "live-miss"]
    assert (miss.evidence["first_seen"], miss.evidence["count"]) == (iso(T0 + 100), 1)


def test_the_other_findings_name_what_they_are_about(by_kind):
    assert by_kind["leak"].subject == "192.0.2.1:443 (connect)"
    assert by_kind["leak"].evidence["blocked"] is True
    assert by_kind["leak"].tests == ("t.py::l",)
    assert by_kind["uncovered"].subject == "/usr/bin/python2: unsupported"
    assert by_kind["uncovered"].evidence["python"] == ["2.7.18"]
    assert by_kind["incomplete"].subject == "GET https://x.org/429"
    assert by_kind["incomplete"].tests == ("t.py::i",)
    assert by_kind["damaged-entry"].evidence["messages"] == ["the value is not ours"]
    assert by_kind["stale"].subject == f"GET {planted.STALE}"
    assert by_kind["stale"].evidence["age_days"] == 31.0
    assert by_kind["unused"].subject == f"GET {planted.UNUSED}"
    assert by_kind["unused"].tests == ("tests/test_a.py::test_one",)
    assert by_kind["damaged-journal"].subject == planted.REPLAY
    assert by_kind["damaged-journal"].evidence["damaged_lines"] == 1


def test_findings_about_content_say_what_shows_it(by_kind):
    assert by_kind["suspicious-200"].subject == f"GET {planted.BROKEN}"
    assert by_kind["suspicious-200"].evidence["looks"] == "html"
    assert by_kind["error-kept"].evidence["status"] == 403
    assert by_kind["error-kept"].evidence["used_to_be"] is None
    assert by_kind["stale-origin"].subject == f"GET {planted.RUN_OUT}"
    assert by_kind["stale-origin"].evidence["lifetime_seconds"] == 3600
    assert by_kind["volatile"].subject == f"GET {planted.NOISY}"
    assert by_kind["volatile"].evidence["takes"] == [0, 1]
    assert by_kind["duplicate-body"].evidence["urls"] == planted.COPIES
    assert by_kind["duplicate-body"].evidence["wasted_bytes"] == 2_000
    assert by_kind["oversized"].subject == f"GET {planted.BIG}"
    assert by_kind["growth"].evidence["entries_baked"] == 5
    assert by_kind["stale-upstream"].subject == f"GET {planted.CHANGED}"
    assert by_kind["stale-upstream"].evidence["why"] == '"a" is "b" now'


def test_an_error_that_used_to_be_an_answer_is_found_until_a_second_recording_confirms_it(tmp_path):
    url = "https://h/gone"
    recording = make_recording(tmp_path, [captured(url, status=404)])

    def kept():
        return [f for f in findings_of(recording) if f.kind == "error-kept"]

    def record(n, status):
        name = f"2026090{n}T000000.000000Z-record-000{n}"
        add_run(recording, name, [request_event(url, "stored", status=status)], mode="record")

    assert kept() == []  # a 404 alone is what a test may want
    record(1, 200)
    record(2, 404)
    (finding,) = kept()
    assert finding.evidence["used_to_be"] == 200
    record(3, 404)
    assert kept() == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Cache-Control", "max-age=60")], 60),
        ([("cache-control", "public"), ("Cache-Control", "MAX-AGE=60"), ("Age", "20")], 40),
        ([("Cache-Control", "s-maxage=60")], None),
        ([("Cache-Control", "no-cache, max-age=60")], None),
        ([("Cache-Control", "max-age=0")], None),
        ([("Date", "Sat, 21 Nov 2026 10:00:00 GMT"), ("Expires", "Sat, 21 Nov 2026 10:01:00 GMT")],
         60),
        ([("Date", "Sat, 21 Nov 2026 10:00:00 GMT"), ("Expires", "0")], None),
        ([], None),
    ],
)  # fmt: skip
def test_freshness_lifetime_is_that_of_rfc_9111(headers, seconds):
    found = lifetime(headers)
    assert found == seconds if seconds is not None else math.isnan(found)


@pytest.mark.parametrize(
    ("path", "content_type", "body", "looks"),
    [
        ("a.jpg", "image/jpeg", b"<html><p>no", "html"),
        ("a.jpg", "text/html", b" \n<!doctype HTML >", "html"),
        ("model.bin", "application/octet-stream", b"<!-- x --><html lang=en>", "html"),
        ("a.jpg", "image/jpeg", b"", "empty"),
        ("a.jpg", "image/jpeg", b"\xff\xd8\xff", ""),
        ("page", "text/html", b"<html>", ""),
        ("a.html", "text/html; charset=utf-8", b"<html>", ""),
        ("a.svg", "image/svg+xml", b"<svg>", ""),
        ("data.json", "application/json", b'{"a": "<html>"}', ""),
    ],
)
def test_an_answer_200_is_suspicious_if_its_body_is_not_what_is_promised(
    tmp_path, path, content_type, body, looks
):
    entry = captured(f"https://h/{path}", body, headers=[("Content-Type", content_type)])
    loaded = load(make_recording(tmp_path, [entry]))
    assert list(loaded.entries["looks"]) == [looks]


def test_takes_that_differ_in_meaning_are_not_volatile(tmp_path):
    entries = [captured("https://h/job", body) for body in (b"queued", b"running")]
    assert findings_of(make_recording(tmp_path, entries)) == []


def test_forwarded_requests_of_a_replay_are_live_misses_and_methods_are_apart(tmp_path):
    recording = make_recording(tmp_path, [])
    events = [
        request_event(planted.MISSED, "forwarded", bytes=70, reason="uri-miss"),
        request_event(planted.MISSED, "forwarded", bytes=50, reason="method", method="POST"),
        request_event(planted.MISSED, "failed", from_cache=False),
    ]
    add_run(recording, planted.OLD_REPLAY, events, mode="replay")
    found = findings_of(recording)
    assert [(f.subject[:4], f.evidence["bytes"]) for f in found] == [("GET ", 70), ("POST", 50)]


def test_misses_while_recording_are_no_live_misses(tmp_path):
    recording = make_recording(tmp_path, [])
    add_run(recording, planted.RECORD, [request_event(planted.MISSED, "forwarded")], mode="record")
    assert findings_of(recording) == []


def test_what_was_recorded_after_it_was_missed_is_no_finding(tmp_path):
    recording = make_recording(tmp_path, [captured(planted.MISSED, recorded_at=T0 + 60)])
    events = [
        request_event(planted.MISSED, "blocked"),
        planted.event("damage", key=request_event(planted.MISSED)["key"], message="torn"),
    ]
    add_run(recording, planted.REPLAY, events)
    assert findings_of(recording) == []


def test_a_vary_miss_is_not_mended_by_the_older_entry(tmp_path):
    recording = make_recording(tmp_path, [captured(planted.MISSED, recorded_at=T0 - 60)])
    add_run(recording, planted.REPLAY, [request_event(planted.MISSED, "blocked", reason="vary")])
    assert [f.kind for f in findings_of(recording)] == ["live-miss", "unused"]


def test_leaks_and_gaps_of_the_latest_record_run_count_those_of_older_runs_do_not(tmp_path):
    recording = make_recording(tmp_path, [])
    leak = planted.event("leak", host="192.0.2.9", port=1, what="connect", blocked=False)
    for run, mode in ((planted.RECORD, "record"), (planted.OLD_REPLAY, "replay")):
        add_run(recording, run, [leak | {"host": f"{mode}.test"}], mode=mode)
    add_run(recording, planted.REPLAY, [])
    assert [f.subject for f in findings_of(recording)] == ["record.test:1 (connect)"]


def test_every_entry_is_judged_by_age_where_there_was_no_replay(tmp_path):
    entries = [captured(planted.STALE, recorded_at=T0 - 40 * 86400), captured(planted.UNUSED)]
    found = findings_of(make_recording(tmp_path, entries), now=T0)
    assert [(f.kind, f.subject) for f in found] == [("stale", f"GET {planted.STALE}")]


def test_an_old_entry_that_the_replay_did_not_use_is_unused_but_not_stale(tmp_path):
    recording = make_recording(tmp_path, [captured(planted.STALE, recorded_at=T0 - 40 * 86400)])
    add_run(recording, planted.REPLAY, [])
    assert [f.kind for f in findings_of(recording)] == ["unused"]


def test_age_counts_from_the_day_given(tmp_path):
    recording = make_recording(tmp_path, [captured(planted.STALE, recorded_at=T0)])
    now = T0 + 10 * 86400
    assert findings_of(recording, days=10, now=now) == []
    assert [f.kind for f in findings_of(recording, days=9.9, now=now)] == ["stale"]


def test_an_entry_recorded_after_the_replay_is_not_unused(tmp_path):
    recording = make_recording(tmp_path, [captured(planted.UNUSED, recorded_at=T0 + 60)])
    add_run(recording, planted.REPLAY, [], started_at=T0)
    assert findings_of(recording) == []


@pytest.mark.parametrize("named_by", ["sha256", "etag"])
def test_what_the_hub_cache_answers_instead_is_not_unused_until_its_test_is_gone(
    tmp_path, named_by
):
    etag = [("ETag", 'W/"0a1b"'), ("Content-Type", "text/plain")]
    file = captured(planted.UNUSED, headers=etag, test="t.py::file")
    recording = make_recording(tmp_path, [file])
    repo = recording.hf_cache / "hub" / "models--o--r"
    blob = repo / "blobs" / (file.body_sha256 if named_by == "sha256" else "0a1b")
    snapshot = repo / "snapshots" / ("c0ffee" * 7)[:40]
    for directory in (blob.parent, snapshot):
        directory.mkdir(parents=True)
    blob.write_bytes(b"x")
    (snapshot / "f").symlink_to(f"../../blobs/{blob.name}")
    add_run(recording, planted.RECORD, [], mode="record", command=planted.COMMAND)
    add_run(recording, planted.OLD_REPLAY, [planted.event("test", test="t.py::file",
            outcome="passed", phase="call")], command=planted.COMMAND)  # fmt: skip
    assert findings_of(recording) == []
    add_run(recording, planted.REPLAY, [], command=planted.COMMAND)
    (gone,) = findings_of(recording)
    assert (gone.kind, gone.evidence["needless"]) == ("unused", True)


def test_a_moved_branch_concerns_its_own_repository_alone(tmp_path):
    hub = "https://huggingface.co"
    own = [f"{hub}/o/r/resolve/main/a", f"{hub}/api/models/o/r", f"{hub}/api/models/o/r/tree/main",
           f"{hub}/api/resolve-cache/models/o/r/c0ffee/a?x"]  # fmt: skip
    others = [f"{hub}/o/r2/resolve/main/a", f"{hub}/api/datasets/o/r", f"{hub}/datasets/o/r?a",
              f"{hub}/api/models/x/o/r"]  # fmt: skip
    entries = [captured(url, test=f"t::{url}") for url in [*own, *others]]
    moved = MovedRevision("model", "o/r", "main", "a" * 40, "b" * 40)
    (found,) = find(load(make_recording(tmp_path, entries)), stale_after_days=30, now=planted.NOW,
                    known=Upstream(moved=[moved]))  # fmt: skip
    assert found.tests == tuple(sorted(f"t::{url}" for url in own))


def test_takes_are_used_one_by_one(tmp_path):
    entries = [captured(planted.UNUSED, b"one"), captured(planted.UNUSED, b"two")]
    recording = make_recording(tmp_path, entries)
    add_run(recording, planted.REPLAY, [request_event(planted.UNUSED, take=0)])
    assert [f.subject for f in findings_of(recording)] == [f"GET {planted.UNUSED} (take 1)"]


def test_a_replay_without_a_journal_is_not_judged(tmp_path):
    recording = planted.clean_recording(tmp_path)
    (recording.runs_dir / "20261109T000000.000000Z-replay_strict-dead" / "shards").mkdir(
        parents=True
    )
    assert findings_of(recording) == []


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return planted.planted_recording(tmp_path_factory.mktemp("shuffled") / "r")


@settings(max_examples=25)
@given(order=st.permutations(planted.planted_events()))
def test_shuffled_journals_give_the_same_findings(store, order):
    with tempfile.TemporaryDirectory() as directory:
        runs = Path(directory) / "runs"
        shutil.copytree(store.runs_dir, runs)
        shuffled = Recording(store.path, runs)
        planted.write_journal(shuffled, planted.REPLAY, planted.planted_events())
        expected = findings_of(shuffled)
        planted.write_journal(shuffled, planted.REPLAY, order)
        assert findings_of(shuffled) == expected
        # All but the damaged line and what is known from outside.
        assert len(expected) == len(KINDS) - 3


OUTCOMES = ["hit", "stored", "forwarded", "blocked", "failed", "bypass", None]
requests = st.builds(
    lambda url, outcome, test: request_event(f"https://h/{url}", outcome, test=test),
    st.integers(0, 3), st.sampled_from(OUTCOMES), st.sampled_from([None, "a", "b"]),
)  # fmt: skip


@settings(max_examples=50)
@given(events=st.lists(requests, max_size=30))
def test_counts_add_up_for_any_requests(events):
    with tempfile.TemporaryDirectory() as directory:
        recording = Recording(Path(directory))
        add_run(recording, planted.REPLAY, events)
        loaded = load(recording)
        found = find(loaded, stale_after_days=30, now=T0)
        figure = figures(loaded, found, 30)
        (run,) = history(loaded)
    outcomes = Counter(event["outcome"] or "unknown" for event in events)
    assert figure.requests == run.requests == len(events)
    assert figure.outcomes == run.outcomes == outcomes
    assert figure.hits == outcomes["hit"]
    assert figure.live_misses == outcomes["blocked"] + outcomes["forwarded"]
    misses = [f for f in found if f.kind == "live-miss"]
    assert sum(f.evidence["count"] for f in misses) == figure.live_misses
    for miss in misses:
        assert sum(miss.evidence["by_test"].values()) == miss.evidence["count"]


def test_sizes_by_host_add_up_and_a_shared_body_counts_once(tmp_path):
    large = b"x" * 20_000
    entries = [
        captured("https://a.org/1", large, shards=tmp_path / "s"),
        captured("https://b.org/1", large, shards=tmp_path / "s"),
        captured("https://b.org/2", b"small"),
        captured("https://b.org/3", b"small"),
    ]
    loaded = load(make_recording(tmp_path / "r", entries, tmp_path / "s"))
    rows = hosts(loaded.entries)
    figure = figures(loaded, [], 30)
    assert sum(row.bytes for row in rows) == figure.http_bytes == 20_000 + 2 * 5
    assert sum(row.entries for row in rows) == figure.entries == 4
    assert [row.bytes for row in rows] == sorted((row.bytes for row in rows), reverse=True)
