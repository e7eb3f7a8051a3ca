"""What a run's answers do to what was recorded before."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
import requests_cache
from requests_cache.backends.sqlite import SQLiteCache

from recordbake import store
from recordbake.errors import DamagedError
from recordbake.guest.codec import encode_record
from recordbake.guest.exchange import Failure
from recordbake.journal import Outcomes, outcomes_of_tests
from recordbake.merge import incomplete, merge_entries
from recordbake.recording import Recording, Run
from tests.support.sample import T0, captured, make_recording

URL = "https://x.example/a"
TEST = "tests/test_a.py::test_one"
REFUSED = Failure("refused", "no", 111)


def rows(recording, columns="url, take, status, test"):
    with store.connect_readonly(recording.store) as connection:
        return [tuple(r) for r in connection.execute(
            f"SELECT {columns} FROM entries ORDER BY url, take")]  # fmt: skip


def merge(recording, entries, *, passed=(TEST,), whole=True, refetched=(), hits=()):
    run = Run(recording.runs_dir / "r")
    shutil.rmtree(run.path, ignore_errors=True)
    run.shards.mkdir(parents=True)
    (run.shards / "1.entries").write_bytes(b"".join(map(encode_record, entries)))
    outcomes = Outcomes(set(passed), set(passed), set(hits))
    again = frozenset(refetched)
    return merge_entries(recording, run, outcomes, whole=whole, refetched=again)


@pytest.fixture
def recording(tmp_path):
    return make_recording(tmp_path / "rec", [captured(URL, b"old"), captured(URL + "b", b"b")])


def test_a_new_answer_replaces_what_the_same_test_recorded(recording):
    merge(recording, [captured(URL, b"new"), captured(URL + "b", b"b")])
    assert [r[:2] for r in rows(recording)] == [(URL, 1), (URL + "b", 0)]


def test_an_equal_answer_is_the_same_take_with_a_new_date(recording):
    headers = [("Content-Type", "text/plain"), ("Content-Length", "3"), ("Date", "now")]
    merge(recording, [captured(URL, b"old", recorded_at=T0 + 9, headers=headers),
                      captured(URL + "b", b"b")])  # fmt: skip
    assert rows(recording, "take, recorded_at")[0] == (0, T0 + 9)


def test_different_answers_are_takes_in_order(recording):
    entries = [captured(URL, body, recorded_at=T0 + n) for n, body in enumerate((b"1", b"2", b"1"))]
    merge(recording, entries)
    with store.connect_readonly(recording.store) as connection:
        uses = connection.execute("SELECT n, take FROM uses WHERE test = ? ORDER BY n", (TEST,))
        assert [tuple(u) for u in uses] == [(0, 1), (1, 2), (2, 1)]


def test_what_a_passing_test_no_longer_asks_for_goes(recording):
    merge(recording, [captured(URL, b"old")])
    assert [r[0] for r in rows(recording)] == [URL]


def test_but_not_when_only_the_missing_was_fetched(recording):
    merge(recording, [captured(URL, b"old")], whole=False)
    assert len(rows(recording)) == 2


def test_where_an_answer_led_that_was_fetched_again_goes_what_was_hit_stays(tmp_path):
    entries = [captured(URL + path, path.encode()) for path in ("", "/old", "/hit")]
    elsewhere = captured(URL + "/theirs", b"t", test="tests/test_a.py::test_other")
    recording = make_recording(tmp_path / "rec", [*entries, elsewhere])
    moved = [captured(URL, b"now at /new"), captured(URL + "/new", b"n")]
    merge(recording, moved, whole=False, refetched=[entries[0].key], hits=[entries[2].key])
    left = [url for (url,) in rows(recording, "url")]
    assert left == [URL, URL + "/hit", URL + "/new", URL + "/theirs"]


def test_nor_what_another_test_uses(recording):
    merge(recording, [captured(URL, b"old", test="other")], passed=("other",))
    assert len(rows(recording)) == 2


def test_a_failing_network_never_replaces_a_good_answer(recording):
    merge(
        recording,
        [captured(URL, failure=REFUSED), captured(URL + "b", b"x", status=503)],
        passed=(),
    )
    assert [r[2] for r in rows(recording)] == [200, 200]


def test_a_failure_that_the_test_wants_to_see_does(recording):
    merge(recording, [captured(URL, failure=REFUSED), captured(URL + "b", b"b")])
    assert rows(recording)[0][2] is None


@pytest.mark.parametrize(
    ("entries", "passed", "expected"),
    [
        ([captured(URL, failure=REFUSED)], (), ["refused"]),
        ([captured(URL, status=429)], (), ["HTTP 429"]),
        ([captured(URL, status=429)], (TEST,), []),
        ([captured(URL, status=429), captured(URL)], (), []),
        ([captured(URL, status=404)], (), []),
        ([captured(URL, status=503, test=None)], (), ["HTTP 503"]),
    ],
)
def test_incomplete(entries, passed, expected):
    found = incomplete(entries, Outcomes(set(passed), set()))
    assert [item["reason"] for item in found] == expected


def test_large_bodies_are_files_once(tmp_path):
    shards = tmp_path / "shards"
    entries = [captured(URL + str(n), b"z" * 50_000, shards=shards) for n in range(2)]
    recording = make_recording(tmp_path / "rec", entries, shards)
    assert len(list(recording.bodies.glob("*/*"))) == 1
    assert store.check(recording.store)["bodies"] == 1


def test_a_body_that_nobody_names_is_deleted(tmp_path):
    shards = tmp_path / "shards"
    recording = make_recording(
        tmp_path / "rec", [captured(URL, b"z" * 50_000, shards=shards)], shards
    )
    merge(recording, [captured(URL, b"small")])
    assert list(recording.bodies.glob("*/*")) == []


def test_a_damaged_shard_is_an_error_and_changes_nothing(recording):
    before = recording.store.read_bytes()
    run = Run(recording.runs_dir / "r")
    run.shards.mkdir(parents=True)
    (run.shards / "1.entries").write_bytes(b"{}\n" + encode_record(captured(URL, b"new")))
    with pytest.raises(DamagedError):
        merge_entries(recording, run, Outcomes(), whole=True)
    assert recording.store.read_bytes() == before


def test_merging_twice_is_merging_once(recording):
    entries = [captured(URL, b"new"), captured(URL + "b", b"b")]
    merge(recording, entries)
    before = rows(recording, "*")
    merge(recording, entries)
    assert rows(recording, "*") == before


def test_requests_cache_would_have_made_its_tables_just_so(tmp_path):
    with store.writing(tmp_path / "ours.sqlite"):
        pass
    cache = SQLiteCache(tmp_path / "theirs.sqlite")
    cache.responses.close()
    cache.redirects.close()
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name = ? ORDER BY name"
    for table in ("responses", "redirects"):
        ours, theirs = (
            sqlite3.connect(tmp_path / name).execute(query, (table,)).fetchall()
            for name in ("ours.sqlite", "theirs.sqlite")
        )
        assert ours == theirs != []


def test_a_requests_cache_session_serves_from_the_store(tmp_path):
    shards = tmp_path / "shards"
    entries = [captured(URL, b"small"), captured(URL + "b", b"z" * 50_000, shards=shards)]
    recording = make_recording(tmp_path / "rec", entries, shards)
    session = requests_cache.CachedSession(
        str(recording.store), serializer=store.serializer_for(recording.http_cache),
        key_fn=store.key_fn,
    )  # fmt: skip
    small, large = session.get(URL), session.get(URL + "b")
    assert (small.from_cache, small.text, large.from_cache) == (True, "small", True)
    assert large.content == b"z" * 50_000


def test_tests_pass_by_their_last_try():
    def event(test, outcome, phase="call"):
        return {"event": "test", "test": test, "outcome": outcome, "phase": phase}

    found = outcomes_of_tests([
        event("a", "passed"), event("b", "failed"), event("c", "passed"),
        event("c", "failed", "teardown"), event("d", "failed", "setup"),
        event("e", "rerun"), event("f", "skipped"), event("g", "passed"),
        event("e", "passed"), event("g", "rerun"),
    ])  # fmt: skip
    assert found.passed == {"a", "e"}
    assert found.ran == set("abcdefg")


def test_busy_recordings_are_waited_for_within_a_bound(tmp_path):
    from recordbake.errors import BusyError
    from recordbake.locks import recording_lock

    with recording_lock(tmp_path, shared=True), recording_lock(tmp_path, shared=True):
        third = recording_lock(tmp_path, shared=False, seconds=0.1)
        with pytest.raises(BusyError):
            third.__enter__()


def test_the_recording_is_where_it_says(tmp_path):
    assert Recording(tmp_path).store == tmp_path / "http_cache" / "requests_cache.sqlite"


def test_a_passing_test_that_asks_for_nothing_any_more_loses_its_entries(recording):
    merge(recording, [])
    assert rows(recording) == []


def with_header(name, value, n):
    return captured(URL, b"same", recorded_at=T0 + n, headers=[(name, value)])


@pytest.mark.parametrize("name", ["Set-Cookie", "X-Cache", "x-amz-meta-version"])
def test_answers_of_one_test_are_takes_if_a_test_can_tell_them_apart(recording, name):
    merge(recording, [with_header(name, str(n), n) for n in range(3)])
    assert len(rows(recording)) == 3


def test_what_differs_in_any_two_answers_does_not_count(recording):
    merge(recording, [with_header("X-Request-Id", str(n), n) for n in range(3)])
    assert len(rows(recording)) == 1


def test_and_between_runs_neither_does_a_cookie(recording):
    merge(recording, [with_header("Set-Cookie", "1", 0)])
    merge(recording, [with_header("Set-Cookie", "2", 1)])
    assert [r[1] for r in rows(recording)] == [1]


def test_one_bad_answer_among_good_ones_does_not_replace_a_good_recording(recording):
    bad = captured(URL, b"busy", status=503, recorded_at=T0 + 1)
    merge(recording, [captured(URL, b"other"), bad, captured(URL + "b", b"b")], passed=())
    assert [r[:3] for r in rows(recording)] == [(URL, 0, 200), (URL + "b", 0, 200)]


def test_fetching_what_is_missing_keeps_the_other_numbers(recording):
    merge(recording, [captured(URL, b"second")], whole=False)
    with store.connect_readonly(recording.store) as connection:
        uses = connection.execute("SELECT n, take FROM uses JOIN entries USING (key, take)"
                                  " WHERE url = ? ORDER BY n", (URL,))  # fmt: skip
        assert [tuple(u) for u in uses] == [(0, 0), (1, 1)]


def test_a_suite_without_requests_has_a_store(tmp_path):
    recording = Recording(tmp_path / "rec")
    merge(recording, [])
    assert store.check(recording.store)["entries"] == 0
