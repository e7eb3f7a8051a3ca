"""Loading: damage is counted, types are fixed, and nothing that is missing is fatal."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from recordbake.audit.columns import KEPT
from recordbake.audit.hub import scanned
from recordbake.audit.load import load
from recordbake.errors import DamagedError
from recordbake.recording import Recording
from tests.support import audit as planted
from tests.support.sample import T0, add_run, captured, make_recording, request_event


def append(recording: Recording, run: str, data: bytes) -> None:
    with (recording.runs_dir / run / "http_log.ndjson").open("ab") as journal:
        journal.write(data)


def test_events_are_typed_and_other_events_are_left_out(tmp_path):
    events = load(planted.planted_recording(tmp_path / "r")).events
    assert set(events["event"].unique()) <= KEPT
    assert events["ts"].dtype == "float64"
    assert all(isinstance(events[c].dtype, pd.CategoricalDtype) for c in ("url", "test", "key"))
    assert all(events[c].dtype == "int64" for c in ("take", "status", "bytes", "port"))
    assert events["blocked"].dtype == events["from_cache"].dtype == "bool"
    assert events.loc[events["event"] == "leak", "status"].tolist() == [-1]


@pytest.mark.parametrize(
    "line",
    [
        b'{"v": 1, "ts": 17',
        b"\0\0\0\0",
        b"\xff\xfe",
        b"[1]",
        b"null",
        b'{"v": 1, "event": "request"}',
        b'{"v": 1, "event": "request", "ts": "now"}',
        b'{"v": 1, "event": "request", "ts": NaN}',
        b'{"v": 1, "event": "request", "ts": 1e300}',
        b'{"v": 1, "event": "request", "ts": -1}',
        b'{"v": 1, "event": "request", "ts": true}',
        b'{"v": 1, "event": 5, "ts": 1}',
        b"[" * 100_000,
        b'{"' + b"x" * (3 << 20),
    ],
    ids=lambda line: repr(line[:24]),
)
def test_a_damaged_line_is_counted_and_its_neighbours_are_read(tmp_path, line):
    recording = Recording(tmp_path)
    add_run(recording, planted.REPLAY, [request_event("https://h/before")])
    after = json.dumps(request_event("https://h/after")).encode()
    append(recording, planted.REPLAY, line + b"\n\n" + after + b"\n")
    loaded = load(recording)
    assert loaded.runs["damaged_lines"].tolist() == [1]
    assert loaded.events["url"].tolist() == ["https://h/before", "https://h/after"]


def test_fields_of_a_wrong_type_do_not_stop_the_audit(tmp_path):
    recording = Recording(tmp_path)
    odd = request_event("https://h/", take="x", status=1 << 70, bytes=None, from_cache="yes")
    odd |= {"url": ["a"], "test": "\ud800", "key": 5}
    add_run(recording, planted.REPLAY, [odd])
    row = load(recording).events.iloc[0]
    assert (row["take"], row["status"], row["bytes"], row["from_cache"]) == (-1, -1, -1, False)
    assert (row["url"], row["test"], row["key"]) == ("['a']", "\\ud800", "5")


def test_a_newer_journal_is_refused(tmp_path):
    recording = Recording(tmp_path)
    add_run(recording, planted.REPLAY, [request_event("https://h/", v=2)])
    with pytest.raises(DamagedError, match="the journal has format 2"):
        load(recording)


def test_no_journal_and_no_store(tmp_path):
    loaded = load(Recording(tmp_path))
    assert (len(loaded.events), len(loaded.runs), len(loaded.entries)) == (0, 0, 0)
    assert (loaded.hub, loaded.hub_problems) == ([], 0)


def test_a_missing_recording_is_an_error(tmp_path):
    with pytest.raises(DamagedError, match="there is no recording"):
        load(Recording(tmp_path / "typo"))


def test_entries_are_typed_and_name_all_tests_that_use_them(tmp_path):
    url = "https://h/shared"
    entries = [captured(url, test="b"), captured(url, test="a"), captured("https://h/2", test=None)]
    frame = load(make_recording(tmp_path, entries)).entries.set_index("url")
    assert frame.loc[url, "tests"] == ("a", "b")
    assert frame.loc["https://h/2", "tests"] == ()
    assert frame["body_size"].dtype == frame["take"].dtype == "int64"
    assert frame["recorded_at"].dtype == "float64"


def test_an_entry_with_fields_of_a_wrong_type_is_read(tmp_path):
    recording = make_recording(tmp_path, [captured("https://h/")])
    with closing(sqlite3.connect(recording.store)) as connection, connection:
        connection.execute(
            "UPDATE entries SET url = CAST(x'ff41' AS TEXT), body_size = 'much', status = 9e99,"
            " recorded_at = -5"
        )
        connection.execute("DELETE FROM meta WHERE name = 'content'")  # by another writer
    row = load(recording).entries.iloc[0]
    assert (row["url"], row["body_size"], row["status"]) == ("\ufffdA", 0, -1)
    assert pd.isna(row["recorded_at"])


def test_a_damaged_store_is_an_error_with_the_next_step(tmp_path):
    recording = make_recording(tmp_path, [captured("https://h/")])
    recording.store.write_bytes(recording.store.read_bytes()[:5000])
    with pytest.raises(DamagedError, match="the store is damaged") as caught:
        load(recording)
    assert caught.value.exit_code == 12
    assert "record again" in caught.value.next_step


def test_a_store_of_another_format_is_refused(tmp_path):
    recording = make_recording(tmp_path, [captured("https://h/")])
    with closing(sqlite3.connect(recording.store)) as connection, connection:
        connection.execute("UPDATE meta SET value = 2")
    with pytest.raises(DamagedError, match="the store has format 2"):
        load(recording)


def test_loading_writes_nothing_into_the_recording(tmp_path):
    recording = planted.planted_recording(tmp_path / "r")
    before = {p: p.stat().st_mtime_ns for p in recording.path.rglob("*")}
    load(recording)
    assert {p: p.stat().st_mtime_ns for p in recording.path.rglob("*")} == before


def test_a_run_without_run_json_is_known_by_its_name(tmp_path):
    recording = Recording(tmp_path)
    add_run(recording, planted.REPLAY, [])
    (recording.runs_dir / planted.REPLAY / "run.json").unlink()
    row = load(recording).runs.iloc[0]
    assert (row["mode"], bool(row["finished"]), row["damaged_info"]) == (
        "replay_strict",
        False,
        False,
    )
    assert row["started_at"] == 1788393600.0  # 2026-09-03


def test_a_damaged_run_json_is_told(tmp_path):
    recording = Recording(tmp_path)
    add_run(recording, planted.REPLAY, [])
    (recording.runs_dir / planted.REPLAY / "run.json").write_text("{")
    assert load(recording).runs["damaged_info"].tolist() == [True]


def test_times_of_runs_are_seconds_or_missing(tmp_path):
    recording = Recording(tmp_path)
    add_run(recording, planted.REPLAY, [], ended_at=None, started_at=T0)
    row = load(recording).runs.iloc[0]
    assert row["started_at"] == T0
    assert pd.isna(row["ended_at"])


def test_hub_repositories_by_size_and_what_cannot_be_understood(tmp_path):
    for name, size in (("models--org--small", 10), ("datasets--org--large", 5000)):
        repo = tmp_path / name
        for part in ("blobs", "refs", "snapshots/abc"):
            (repo / part).mkdir(parents=True)
        (repo / "blobs" / "b").write_bytes(b"x" * size)
        (repo / "refs" / "main").write_text("abc")
        (repo / "snapshots" / "abc" / "file.bin").symlink_to("../../blobs/b")
    (tmp_path / "models--org--broken").mkdir()
    found = scanned([tmp_path])
    assert [(r.repo_type, r.repo_id, r.size, r.files) for r in found.repos] == [
        ("dataset", "org/large", 5000, 1),
        ("model", "org/small", 10, 1),
    ]
    assert found.problems == 1
    assert found.blobs == {"b"}


def test_an_entry_whose_tests_were_all_renamed_has_those_of_the_latest_replay_too(tmp_path):
    kept, renamed = "https://h/kept", "https://h/renamed"
    recording = make_recording(
        tmp_path, [captured(kept, test="t::a"), captured(renamed, test="t::b")]
    )
    asking = [(kept, "t::a"), (kept, "t::x"), (renamed, "t::new")]
    events = [request_event(url, test=test) for url, test in asking]
    add_run(recording, planted.REPLAY, events)
    tests = load(recording).entries.set_index("url")["tests"].to_dict()
    assert tests == {kept: ("t::a",), renamed: ("t::b", "t::new")}
