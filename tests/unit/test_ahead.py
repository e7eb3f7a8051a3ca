"""What is read ahead of being asked for: never wrong, never much, and only where it pays."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from recordbake.guest import attribution
from recordbake.guest.ahead import _MOST
from recordbake.guest.exchange import DamagedStoreError, Request
from recordbake.guest.keys import request_key
from recordbake.guest.reader import StoreReader
from tests.support.engines import PLAIN, engine_of
from tests.support.sample import T0, captured, make_recording

URLS = [f"https://x.example/{n}" for n in range(200)]


def entries_of(urls=URLS):
    return [captured(url, url.encode(), recorded_at=T0 + n) for n, url in enumerate(urls)]


@pytest.fixture
def reader(tmp_path):
    return StoreReader(str(make_recording(tmp_path / "recording", entries_of()).store))


def bodies(reader, entries):
    return [take.body for entry in entries for take in reader.takes(entry.key, PLAIN)]


def test_who_asks_in_order_looks_up_little(reader, looked_up):
    assert bodies(reader, entries_of()) == [url.encode() for url in URLS]
    assert len(looked_up) < 30


def test_who_asks_in_no_order_reads_nothing_in_vain(reader, looked_up):
    entries = entries_of()
    random.Random(1).shuffle(entries)
    assert bodies(reader, entries) == [entry.body for entry in entries]
    assert len(looked_up) < 1.1 * len(entries)


def test_a_wrong_guess_ends_it(reader, looked_up):
    entries = entries_of()
    bodies(reader, entries[:20])
    assert max(last - place for place, last in filter(lambda p: len(p) > 1, looked_up)) > 8
    looked_up.clear()
    bodies(reader, entries[100:60:-1])
    assert all(len(parameters) == 1 for parameters in looked_up)
    assert not reader._ahead._rows


def test_a_guess_of_which_nothing_was_asked_for_is_wrong(reader, looked_up):
    entries = entries_of()
    bodies(reader, [entries[0], entries[1], entries[4], entries[5]])
    assert [parameters for parameters in looked_up if len(parameters) > 1] == [(2, 4), (6, 8)]


def test_no_more_is_read_than_the_bound(reader):
    for entry in entries_of():
        reader.takes(entry.key, PLAIN)
        assert len(reader._ahead._rows) <= _MOST


def test_damage_is_told_to_who_asks_for_it_and_nobody_else(tmp_path):
    entries = entries_of()
    recording = make_recording(tmp_path / "recording", entries)
    with closing(sqlite3.connect(recording.store)) as connection, connection:
        connection.execute(
            "UPDATE responses SET value = CAST(replace(CAST(value AS TEXT), 'x.example/50',"
            " 'x.example/05') AS BLOB) WHERE key = ?",
            (entries[50].key,),
        )
    reader = StoreReader(str(recording.store))
    for n, entry in enumerate(entries):
        if n == 50:
            with pytest.raises(DamagedStoreError, match="bytes have changed"):
                reader.takes(entry.key, PLAIN)
        else:
            assert bodies(reader, [entry]) == [entry.body]


def test_a_key_is_held_with_all_its_takes_or_not_at_all(tmp_path):
    test = "tests/test_a.py::test_one"
    entries = [
        captured(url, body, test=test, recorded_at=T0 + n)
        for n, url in enumerate(URLS[:10])
        for body in (b"first", b"second")
    ]
    recording = make_recording(tmp_path / "recording", entries)
    with closing(sqlite3.connect(recording.store)) as connection, connection:
        connection.execute(
            "UPDATE responses SET value = CAST(replace(CAST(value AS TEXT), 'second', 'minute')"
            " AS BLOB) WHERE key = ?",
            (entries[10].key + "-1",),
        )
    reader = StoreReader(str(recording.store))
    for entry in entries[::2]:
        if entry.key == entries[10].key:
            with pytest.raises(DamagedStoreError, match="take 1: the value's bytes have changed"):
                reader.takes(entry.key, PLAIN)
        else:
            assert bodies(reader, [entry]) == [b"first", b"second"]


def test_all_takes_are_there_and_in_order(tmp_path):
    entries, test = [], "tests/test_a.py::test_one"
    for n, url in enumerate(URLS[:60]):
        for take in range(3):
            body = f"{n}-{take}".encode()
            entries.append(captured(url, body, test=test, recorded_at=T0 + n + take / 10))
    engine = engine_of(tmp_path, entries)
    with attribution.Phase(attribution.RunningTest(test), "call"):
        for n, url in enumerate(URLS[:60]):
            takes = [engine.answer(Request("GET", url, PLAIN, b"", "urllib3")) for _ in range(4)]
            assert [take.body for take in takes] == [b"%d-%d" % (n, take) for take in (0, 1, 2, 2)]


def test_what_credentials_select_is_not_given_without(tmp_path):
    secret = [*PLAIN, ("Authorization", "Bearer abc")]
    entries = entries_of()
    for entry in entries[1::2]:
        entry.request.headers = secret
        entry.key = request_key(entry.request)
    engine = engine_of(tmp_path, entries)
    for n, url in enumerate(URLS):
        plain = engine.answer(Request("GET", url, PLAIN, b"", "urllib3"))
        known = engine.answer(Request("GET", url, secret, b"", "urllib3"))
        assert (plain is None, known is None) == (bool(n % 2), not n % 2)
