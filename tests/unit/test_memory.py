"""What a process holds of answers that are asked for again: the same as the store would say."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from recordbake.guest import attribution, memory
from recordbake.guest.exchange import Failure, Request
from recordbake.guest.keys import request_key, vary_of
from recordbake.guest.memory import Memory
from recordbake.guest.reader import StoreReader
from tests.support.engines import PLAIN, engine_of
from tests.support.sample import T0, captured, make_recording

URL = "https://x.example/config.json"


def sent(url=URL, headers=PLAIN, *, body=b"x", asked=None, test="t.py::test", **fields):
    """An entry as recorded for a request with these header fields."""
    entry = captured(url, body, test=test, **fields)
    entry.request = Request("GET", url, headers, asked or b"", "urllib3")
    entry.key = request_key(entry.request)
    return entry


def ask(engine, url=URL, headers=PLAIN, body=b"", times=4):
    """The bodies of some answers to equal requests; None for what is not answered."""
    found = []
    for _ in range(times):
        take = engine.answer(Request("GET", url, list(headers), body, "urllib3"))
        found.append(None if take is None else take.body)
    return found


def test_what_is_asked_for_again_is_not_looked_up_again(tmp_path, looked_up):
    engine = engine_of(tmp_path, [sent()])
    assert ask(engine, times=20) == [b"x"] * 20
    assert len(looked_up) == 2  # most URLs are asked for once: the second time shows


def test_each_answer_is_journalled(tmp_path):
    ask(engine_of(tmp_path, [sent()]), times=20)
    (path,) = (tmp_path / "shards").glob("*.ndjson")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["outcome"] for event in events] == ["hit"] * 20
    for event in events:
        event["ts"] = event["elapsed_ms"] = 0
    assert all(event == events[0] for event in events)


def test_nobody_is_told_what_was_said_to_somebody_else(tmp_path):
    secret = [*PLAIN, ("Authorization", "Bearer abc")]
    cookie = [*PLAIN, ("Cookie", "a=b")]
    ranged = [*PLAIN, ("Range", "bytes=0-1")]
    engine = engine_of(
        tmp_path,
        [sent(), sent(headers=secret, body=b"secret"), sent(headers=ranged, body=b"range"),
         sent(asked=b"{}", body=b"posted")],
    )  # fmt: skip
    for _ in range(4):
        assert ask(engine, times=1) == [b"x"]
        assert ask(engine, headers=secret, times=1) == [b"secret"]
        assert ask(engine, headers=cookie, times=1) == [None]
        assert ask(engine, headers=ranged, times=1) == [b"range"]
        assert ask(engine, headers=[*PLAIN, ("Range", "bytes=2-3")], times=1) == [None]
        assert ask(engine, body=b"{}", times=1) == [b"posted"]
        assert ask(engine, url="https://user:pass@x.example/config.json", times=1) == [b"secret"]


def test_vary_and_content_codings_are_looked_at_each_time(tmp_path):
    german, english = [("Accept-Language", "de")], [("Accept-Language", "en")]
    brotli = [("Accept-Encoding", "br")]
    vary = [("Vary", "Accept-Language")]
    entries = [
        sent(headers=german, body=b"de"),
        sent(headers=english, body=b"en"),
        sent("https://x.example/br", headers=brotli, body=b"br"),
    ]
    for entry in entries[:2]:
        entry.head.headers = vary + entry.head.headers
        entry.vary = vary_of(entry.head, entry.request)
    entries[2].head.headers.append(("Content-Encoding", "br"))
    engine = engine_of(tmp_path, entries)
    for _ in range(4):
        assert ask(engine, headers=german, times=1) == [b"de"]
        assert ask(engine, headers=english, times=1) == [b"en"]
        assert ask(engine, headers=[("Accept-Language", "fr")], times=1) == [None]
        assert ask(engine, "https://x.example/br", brotli, times=1) == [b"br"]
        assert ask(engine, "https://x.example/br", [("Accept-Encoding", "gzip")], times=1) == [None]


def test_a_cookie_is_as_far_away_each_time(tmp_path, monkeypatch):
    entry = sent(recorded_at=T0)
    entry.head.headers.append(("Set-Cookie", "a=b; Expires=Mon, 21 Sep 2026 14:14:00 GMT"))
    engine = engine_of(tmp_path, [entry])
    dates = []
    for n in range(4):
        monkeypatch.setattr("recordbake.guest.clock.now", lambda n=n: T0 + 1e6 + n)
        take = engine.answer(Request("GET", URL, PLAIN, b"", "urllib3"))
        dates.append(take.head.headers[-1])
    assert len(set(dates)) == 4


def test_takes_come_in_the_order_of_each_test(tmp_path):
    answers = {"t.py::a": [b"1", b"2", b"3"], "t.py::b": [b"3", b"1", b"1"]}
    entries = [
        sent(body=body, test=test, recorded_at=T0 + n)
        for test, bodies in answers.items()
        for n, body in enumerate(bodies)
    ]
    engine = engine_of(tmp_path, entries)
    for test, bodies in answers.items():
        with attribution.Phase(attribution.RunningTest(test), "call"):
            assert ask(engine, times=4) == [*bodies, bodies[-1]]


def test_the_order_of_a_test_is_read_once(tmp_path, looked_up):
    bodies = [b"%d" % n for n in range(30)]
    engine = engine_of(
        tmp_path, [sent(body=body, recorded_at=T0 + n) for n, body in enumerate(bodies)]
    )
    with attribution.Phase(attribution.RunningTest("t.py::test"), "call"):
        assert ask(engine, times=30) == bodies
    assert len(looked_up) == 3  # twice for the answers, once for their order


def test_of_many_answers_only_the_one_that_is_given_is_made(tmp_path, looked_up, monkeypatch):
    bodies = [b"%d" % n for n in range(30)]
    engine = engine_of(
        tmp_path, [sent(body=body, recorded_at=T0 + n) for n, body in enumerate(bodies)]
    )
    engine._reader._memory = Memory(10_000)  # more than fits
    engine._asked = engine._reader.asked = engine._reader._memory.asked
    made = []
    copy = memory._copy
    monkeypatch.setattr(memory, "_copy", lambda row: made.append(row.take) or copy(row))
    with attribution.Phase(attribution.RunningTest("t.py::test"), "call"):
        assert ask(engine, times=30) == bodies
    assert made == list(range(1, 30))  # the first time, none is held
    assert len(looked_up) == 3


def test_what_a_caller_changes_of_one_answer_of_several_is_its_own(tmp_path):
    entries = [sent(body=body, recorded_at=T0 + n) for n, body in enumerate((b"1", b"2"))]
    engine = engine_of(tmp_path, entries)
    with attribution.Phase(attribution.RunningTest("t.py::test"), "call"):
        for body in (b"1", b"2", b"2", b"2"):
            take = engine.answer(Request("GET", URL, PLAIN, b"", "urllib3"))
            assert (take.body, take.head.status, take.chunks) == (body, 200, [])
            assert take.head.headers == [("Content-Type", "text/plain"), ("Content-Length", "1")]
            take.head.headers.append(("X", "y"))
            take.head.status = 500
            take.chunks.append((1, 1))
            take.body = b"changed"


def test_what_a_caller_changes_is_its_own(tmp_path):
    engine = engine_of(tmp_path, [sent()])
    for _ in range(4):
        take = engine.answer(Request("GET", URL, PLAIN, b"", "urllib3"))
        assert take.head.headers == [("Content-Type", "text/plain"), ("Content-Length", "1")]
        assert (take.head.status, take.chunks) == (200, [])
        take.head.headers.append(("X", "y"))
        take.head.status = 500
        take.chunks.append((1, 1))
        take.body = b"changed"


def test_what_raises_is_never_held(tmp_path, looked_up):
    entry = captured(URL, b"", test="t", failure=Failure("dns", "no", chain=[("a", "B", [["c"]])]))
    engine = engine_of(tmp_path, [entry])
    chains = []
    for _ in range(3):
        failure = engine.plan(Request("GET", URL, PLAIN, b"", "urllib3")).take.failure
        chains.append(failure.chain)
        failure.chain[0][2][0].append("changed")
    assert len(looked_up) == 3


def test_a_body_in_a_file_is_looked_at_each_time(tmp_path):
    entry = captured(URL, b"z" * 20_000, shards=tmp_path / "none", test="t")
    recording = make_recording(tmp_path / "recording", [entry], tmp_path / "none")
    reader = StoreReader(str(recording.store))
    for _ in range(3):
        (take,) = map(reader.own, reader.takes(entry.key, PLAIN))
    with Path(take.body_path).open("ab") as stream:
        stream.write(b"more")
    (take,) = reader.takes(entry.key, PLAIN)
    with pytest.raises(Exception, match="another size"):
        reader.own(take)


def test_damage_is_found_when_it_is_read_first_and_never_held(tmp_path):
    entry = captured(URL, test="t")
    recording = make_recording(tmp_path / "recording", [entry])
    with closing(sqlite3.connect(recording.store)) as connection, connection:
        connection.execute(
            "UPDATE responses SET value = CAST(replace(CAST(value AS TEXT), 'hello', 'hullo')"
            " AS BLOB)"
        )
    reader = StoreReader(str(recording.store))
    for _ in range(3):
        with pytest.raises(Exception, match="bytes have changed"):
            reader.takes(entry.key, PLAIN)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_answers_and_journals_for_itself(tmp_path):
    engine = engine_of(tmp_path, [sent(), sent("https://x.example/2", body=b"2")])
    ask(engine)
    pid = os.fork()
    if pid == 0:
        good = ask(engine) == [b"x"] * 4 and ask(engine, "https://x.example/2") == [b"2"] * 4
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    files = {path.name.split("-")[0]: path for path in (tmp_path / "shards").glob("*.ndjson")}
    assert len(files[str(pid)].read_text().splitlines()) == 8
    assert len(files[str(os.getpid())].read_text().splitlines()) == 4


def test_threads_get_what_they_ask_for(tmp_path):
    urls = {f"https://x.example/{n}": b"%d" % n for n in range(40)}
    engine = engine_of(tmp_path, [sent(url, body=body) for url, body in urls.items()])
    engine._reader._memory._half = 20_000  # turned over all the time
    start = threading.Barrier(8)

    def run(n):
        start.wait()
        order = list(urls)[n:] + list(urls)[:n]
        return all(ask(engine, url, times=3) == [urls[url]] * 3 for _ in range(5) for url in order)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(run, range(8)))
    finally:
        sys.setswitchinterval(before)


def test_no_more_is_held_than_the_bound(tmp_path):
    size, half = 10_000, 100_000
    entries = [captured(f"https://x.example/{n}", b"%05d" % n * (size // 5)) for n in range(60)]
    recording = make_recording(tmp_path / "recording", entries)
    reader = StoreReader(str(recording.store))
    held_rows = reader._memory = Memory(half)
    for _ in range(3):
        for entry in entries:
            (take,) = reader.takes(entry.key, PLAIN)
            assert take.body == entry.body
            held = [row for half in (held_rows._young, held_rows._old) for row in half.values()]
            assert sum(len(take.body or b"") for rows in held for take in rows) <= 2 * half
    assert held


def test_what_is_larger_than_the_bound_is_answered(tmp_path):
    entry = captured(URL)
    reader = StoreReader(str(make_recording(tmp_path / "recording", [entry]).store))
    reader._memory = Memory(100)
    for _ in range(4):
        assert [take.body for take in reader.takes(entry.key, PLAIN)] == [b"hello"]


def test_requests_that_are_known_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("recordbake.guest.engine._MOST_KNOWN", 3)
    monkeypatch.setattr("recordbake.guest.memory._MOST_KEYS", 10)
    urls = [f"https://x.example/{n}" for n in range(20)]
    engine = engine_of(tmp_path, [sent(url, body=url.encode()) for url in urls])
    for _ in range(4):
        for url in urls:
            assert ask(engine, url, times=2) == [url.encode()] * 2
            assert len(engine._known) <= 3
    assert len(engine._reader.asked) <= 10


def test_a_test_that_may_go_live_is_asked_each_time(tmp_path):
    engine = engine_of(tmp_path, [sent()])
    assert ask(engine) == [b"x"] * 4
    with attribution.Phase(attribution.RunningTest("t", frozenset({"x.example"})), "call"):
        assert ask(engine) == [None] * 4
    assert ask(engine) == [b"x"] * 4


def test_trailers_are_there_each_time(tmp_path):
    entry = sent()
    entry.head.trailers = [("X-Sum", "1")]
    engine = engine_of(tmp_path, [entry])
    found = [
        engine.answer(Request("GET", URL, list(PLAIN), b"", "x")).head.trailers for _ in range(4)
    ]
    assert found == [[("X-Sum", "1")]] * 4
    assert len(set(map(id, found))) == 4
