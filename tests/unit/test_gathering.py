"""What was recorded is read while a run goes on, and is what is read at its end."""

from __future__ import annotations

import itertools
import sqlite3
import time

import pytest

from recordbake.errors import DamagedError
from recordbake.gathering import Gathering
from recordbake.guest.codec import encode_record
from recordbake.guest.exchange import Failure
from recordbake.journal import Outcomes
from recordbake.merge import merge_entries
from recordbake.recording import Recording, Run
from tests.support.sample import T0, captured, make_recording

URL = "https://x.example/"
TEST, OTHER = "tests/test_a.py::test_one", "tests/test_a.py::test_other"
TABLES = ("responses", "entries", "uses", "identities", "meta")


def answers():
    """Takes, a suspect, a failure, a second test: recorded by two processes in turn."""
    made = [
        captured(URL + "a", b"1"), captured(URL + "b", b"2", test=OTHER),
        captured(URL + "a", b"2"), captured(URL + "c", b"", status=503),
        captured(URL + "a", b"1"), captured(URL + "d", failure=Failure("refused", "no", 111)),
        captured(URL + "a", b"3", test=OTHER), captured(URL + "b", b"2"),
    ]  # fmt: skip
    for number, answer in enumerate(made):
        answer.started = T0 + number
    return made


def run_of(path):
    run = Run(Recording(path).runs_dir / "r")
    run.shards.mkdir(parents=True)
    return run


def shards_of(entries):
    """What the two processes write."""
    return {
        f"{n}.entries": b"".join(encode_record(entry) for entry in entries[n::2]) for n in (0, 1)
    }


def content(recording):
    """Every row of every table, in the order that SQLite has them."""
    with sqlite3.connect(recording.store) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def merged(recording, run, gathered=None):
    merge_entries(recording, run, Outcomes({TEST}, {TEST}), whole=True, gathered=gathered)
    return content(recording)


@pytest.mark.parametrize("piece", [7, 200, 1000])
@pytest.mark.parametrize("fresh", [True, False])
def test_what_was_read_while_it_grew_is_what_is_read_at_the_end(tmp_path, piece, fresh):
    found = []
    for early in (True, False):
        path = tmp_path / str(early)
        if not fresh:
            make_recording(path, [captured(URL + "a", b"3"), captured(URL + "gone", b"x")])
        run, gathered = run_of(path), Gathering(Run(Recording(path).runs_dir / "r").shards)
        for name, data in shards_of(answers()).items():
            for at in range(0, len(data), piece):
                with (run.shards / name).open("ab") as stream:
                    stream.write(data[at : at + piece])
                if early:
                    gathered.look()
        found.append(merged(Recording(path), run, gathered if early else None))
    assert found[0] == found[1]
    assert {row[0] for row in found[0]["uses"]} == {entry.key for entry in answers()}


def test_a_new_store_gets_what_one_with_other_entries_gets(tmp_path):
    found = []
    for name, others in (("new", []), ("old", [captured(URL + "other", test="another")])):
        recording = make_recording(tmp_path / name, others)
        run = run_of(recording.path)
        for shard, data in shards_of(answers()).items():
            (run.shards / shard).write_bytes(data)
        asked = {entry.key for entry in answers()}
        rows = merged(recording, run)
        found.append(
            {t: [row for row in rows[t] if row[0].partition("-")[0] in asked] for t in TABLES}
        )
    assert found[0] == found[1]
    assert [row[0] for row in found[0]["responses"]][:3] == [
        answers()[0].key, f"{answers()[0].key}-1", f"{answers()[0].key}-2"
    ]  # fmt: skip


def test_looking_reads_whole_answers_once_and_leaves_no_trace(tmp_path):
    run = run_of(tmp_path)
    data = shards_of(answers())["0.entries"]
    shard = run.shards / "0.entries"
    shard.write_bytes(data[:-3])
    before = sorted(tmp_path.rglob("*"))
    gathered = Gathering(run.shards)
    assert gathered.look()
    assert not gathered.look()  # what is torn has not grown
    assert sorted(tmp_path.rglob("*")) == before
    assert shard.read_bytes() == data[:-3]
    assert len(gathered.rows()) == 3
    shard.write_bytes(data)
    assert gathered.look()
    assert [row.captured.key for row in gathered.rows()] == [e.key for e in answers()[::2]]


def test_damage_is_said_at_the_end_and_changes_nothing(tmp_path):
    recording = make_recording(tmp_path, [captured(URL + "a", b"old")])
    before = recording.store.read_bytes()
    run = run_of(tmp_path)
    first, second, third = map(encode_record, answers()[:3])
    (run.shards / "0.entries").write_bytes(first + b"{" + second[1:].replace(b"}", b"]", 1) + third)
    (run.shards / "1.entries").write_bytes(second)
    gathered = Gathering(run.shards)
    assert gathered.look()
    with pytest.raises(DamagedError, match=r"0\.entries"):
        merge_entries(recording, run, Outcomes(), whole=True, gathered=gathered)
    assert recording.store.read_bytes() == before


def test_what_is_held_has_a_bound_and_the_rest_is_read_at_the_end(tmp_path):
    run = run_of(tmp_path)
    for name, data in shards_of(answers()).items():
        (run.shards / name).write_bytes(data)
    gathered = Gathering(run.shards, most=1)
    assert gathered.look()
    assert sum(len(shard.rows) for shard in gathered._shards.values()) == 1
    rows = [row.captured.key for row in gathered.rows()]
    assert rows == [entry.key for entry in answers()]  # in the order of time


def test_where_nothing_comes_it_looks_less_and_less(tmp_path, monkeypatch):
    gathered, found, waits = Gathering(tmp_path), iter([False] * 6 + [True, False, False]), []

    class Ended:
        def is_set(self):
            return False

        def wait(self, seconds):
            waits.append(seconds)
            return len(waits) > 9

    monkeypatch.setattr(gathered, "_ended", Ended())
    monkeypatch.setattr(gathered, "look", lambda: next(found))
    monkeypatch.setattr("time.thread_time", lambda: 0.0)
    gathered._go_on()
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 0.1, 0.2, 0.4]
    waits.clear()
    found = iter([True] * 9)
    monkeypatch.setattr("time.thread_time", itertools.count(0, 0.05).__next__)
    gathered._go_on()
    assert waits[1:] == [pytest.approx(0.5)] * 9  # ten times what a look takes


def test_a_thread_reads_until_the_end(tmp_path):
    run = run_of(tmp_path)
    gathered = Gathering(run.shards)
    gathered.begin()
    data = shards_of(answers())["0.entries"]
    (run.shards / "0.entries").write_bytes(data)
    limit = time.monotonic() + 30
    while not any(shard.size == len(data) for shard in list(gathered._shards.values())):
        assert time.monotonic() < limit
        time.sleep(0.01)
    gathered.end()
    assert not gathered._thread.is_alive()
    with (run.shards / "0.entries").open("ab") as stream:
        stream.write(encode_record(answers()[1]))
    assert len(gathered.rows()) == len(answers()) // 2 + 1
