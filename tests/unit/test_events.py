"""Journal lines: what is written in haste says as much as what is not."""

from __future__ import annotations

import json
import os
import threading

import pytest

from recordbake.guest import clock
from recordbake.guest.config import GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal, ShardFile, told
from recordbake.guest.exchange import Captured, Head, Request, Take
from recordbake.guest.plan import Plan


@pytest.mark.parametrize("worker", [None, "gw1"])
@pytest.mark.parametrize(("test", "phase"), [(None, None), ('t.py::a["\u00e4\\n"]', "call")])
def test_a_hit_has_the_fields_of_every_request(tmp_path, monkeypatch, worker, test, phase):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    journal = Journal(GuestConfig("replay", "run-1", str(tmp_path)).as_settings())
    engine = Engine(GuestConfig("replay", "run-1", str(tmp_path)), journal)
    url = 'https://x.example/"\u00fc\n'
    line = told("GET", url, "x.example", "httpx", "k")
    asked = Request("GET", url, [], b"", "httpx")
    plan = Plan("answer", asked, "x.example", "k", test, phase, 0)
    for head in (Head(200, "OK", "1.1", []), None):
        journal.hit(Take("k", 1, head, 12, ""), line, test, phase, clock.ticks())
        status = None if head is None else head.status
        engine._journal(plan, "hit", status=status, take=1, bytes=12, elapsed_ms=0.5)
    (path,) = tmp_path.glob("*.ndjson")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["ts"] = line["elapsed_ms"] = 0
    assert lines[0] == lines[1]
    assert lines[2] == lines[3]
    assert lines[0]["url"] == url


@pytest.mark.parametrize(
    ("taken", "told_as"), [(0, 0.0), (7_999, 0.007), (12_034_567_890, 12034.567)]
)
def test_a_hit_says_when_it_was_and_how_long_it_took(tmp_path, monkeypatch, taken, told_as):
    journal = Journal(GuestConfig("replay", "run-1", str(tmp_path)).as_settings())
    asked = clock.ticks()
    monkeypatch.setattr(clock, "ticks", lambda: asked + taken)
    journal.hit(Take("k", 0, None), told("GET", "u", "h", "x", "k"), None, None, asked)
    (path,) = tmp_path.glob("*.ndjson")
    line = json.loads(path.read_text())
    assert line["elapsed_ms"] == told_as
    assert abs(line["ts"] - (clock.BEGAN + (asked + taken) / 1e9)) < 1e-5


@pytest.mark.parametrize("worker", [None, "gw1"])
@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize(("test", "phase"), [(None, None), ('t.py::a["\u00e4\\n"]', "call")])
def test_what_is_stored_has_the_fields_of_every_request(
    tmp_path, monkeypatch, worker, status, test, phase
):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    journal = Journal(GuestConfig("record", "run-1", str(tmp_path)).as_settings())
    engine = Engine(GuestConfig("record", "run-1", str(tmp_path)), journal)
    request = Request("GET", 'https://x.example/"\u00fc\n', [], b"", "httpx")
    plan = Plan("keep", request, "x.example", "k", test, phase, 0)
    head = Head(status, "OK", "1.1", [])
    captured = Captured("k", request, head, body_size=12, live_ms=1.23456)
    journal.stored(plan, captured, 2)
    engine._journal(
        plan, "stored", status=status, bytes=12, elapsed_ms=1.235, suspect=status == 503, retries=2
    )
    (path,) = tmp_path.glob("*.ndjson")
    put_together, usual = (json.loads(line) for line in path.read_text().splitlines())
    assert put_together | {"ts": 0} == usual | {"ts": 0}
    assert list(put_together) == list(usual)


def lines_in(directory):
    return sorted(line for path in directory.glob("*.x") for line in path.read_bytes().splitlines())


@pytest.mark.parametrize("kind", ["closed", "another file", "an empty file", "a pipe"])
def test_a_line_goes_into_no_file_of_others(tmp_path, kind):
    shard = ShardFile(str(tmp_path), ".x")
    shard.write(b"1\n")
    victim = tmp_path / "victim"
    victim.write_bytes(b"" if kind == "an empty file" else b"longer than a line")
    if kind == "a pipe":
        os.mkfifo(tmp_path / "pipe")
        other = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    else:
        other = os.open(victim, os.O_RDWR | os.O_APPEND)
        os.lseek(other, 0, os.SEEK_END)
    taken = shard._opened[1]
    os.dup2(other, taken)
    if kind == "closed":
        os.close(taken)
    shard.write(b"2\n")
    shard.write(b"3\n")
    assert lines_in(tmp_path) == [b"1", b"2", b"3"]
    if kind == "a pipe":
        with pytest.raises(BlockingIOError):
            os.read(other, 1)
    else:
        assert victim.read_bytes() in {b"", b"longer than a line"}
    for descriptor in {other, taken} - ({taken} if kind == "closed" else set()):
        os.close(descriptor)


def test_threads_share_a_file(tmp_path):
    shard = ShardFile(str(tmp_path), ".x")
    shard.write(b"first\n")

    def write(name):
        for n in range(200):
            shard.write(f"{name}-{n}\n".encode())

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [f"{name}-{n}".encode() for name in "abcd" for n in range(200)]
    assert lines_in(tmp_path) == sorted([b"first", *expected])
    assert len(list(tmp_path.glob("*.x"))) == 1


def test_a_file_that_another_thread_wrote_to_meanwhile_is_still_ours(tmp_path):
    shard = ShardFile(str(tmp_path), ".x")
    shard.write(b"1\n")
    os.write(shard._opened[1], b"2\n")  # before it noted where it ended
    shard.write(b"3\n")
    assert lines_in(tmp_path) == [b"1", b"2", b"3"]
    assert len(list(tmp_path.glob("*.x"))) == 1
