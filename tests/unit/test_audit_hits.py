"""Hits that are told by their bytes are told as decoding tells them, whatever the lines are."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recordbake.audit import events
from recordbake.audit.hits import HitReader, Hits
from recordbake.guest import attribution, clock
from recordbake.guest.events import Journal
from recordbake.guest.events import told as told_of

TESTS = ["t.py::a", "t.py::b[\u00e9\"'\\x]", None]
URLS = ["https://h.org/1", 'https://h.org/2?q="\\u0041\\"', 'https://h.org/\x7f,"reason":']


def written(directory, *, worker=None):
    """Lines of hits as a guest writes them."""
    settings = {"run": "r-1", "mode": "replay_strict", "barrier": "", "shards": str(directory)}
    journal = Journal(settings)
    with mock.patch.object(attribution, "worker", return_value=worker):
        for test in TESTS:
            for n, url in enumerate(URLS):
                key = f"{n:032x}"
                told = told_of("GET", url, "h.org", "urllib3", key)
                head = None if n == 2 else SimpleNamespace(status=200)
                take = SimpleNamespace(head=head, take=n % 2, body_size=1000 * n)
                journal.hit(take, told, test, "call", clock.ticks())
    (shard,) = directory.glob("*.ndjson")
    return shard.read_bytes().splitlines()


def lines_of(worker=None):
    with tempfile.TemporaryDirectory() as directory:
        return written(Path(directory), worker=worker)


HITS = [*lines_of(), *lines_of("gw0")]
HITS[1] = re.sub(rb'(?<="elapsed_ms":)[0-9.]+', b"1e-05", HITS[1])
OTHERS = [
    b"", b"  ", b"null", b"[1]", b'{"v":1,"ts":1790000000.5', HITS[0][:-20], HITS[0] + b" ",
    HITS[0] * 2, b" " + HITS[1], HITS[1].replace(b'"v":1', b'"v": 1'),
    HITS[2].replace(b'"outcome":"hit"', b'"outcome":"stored"'),
    HITS[3].replace(b'"event":"request"', b'"event":"test"'),
    HITS[4].replace(b"}", b',"test":"other","url":"twice"}'),
    HITS[0].replace(b'"ts":1', b'"ts":1_'), HITS[0].replace(b'"ts":', b'"ts":0'),
    HITS[0].replace(b'"take":0', b'"take":01'), HITS[0].replace(b'"bytes":0', b'"bytes":1e9'),
    HITS[0].replace(b'"test":"t.py::a"', b'"test":5'), HITS[0].replace(b"GET", b"\\ud800"),
    HITS[0].replace(b"GET", b"\xff"), HITS[0].replace(b"GET", b"G\tT"),
    HITS[0].replace(b'"elapsed_ms":', b'"elapsed_ms":-'),
    HITS[0].replace(b'"phase":', b'"blocked":true,"phase":'),
    HITS[0].replace(b'"reason":', b'"message":"m","reason":'),
]  # fmt: skip


def told(data, *, fast):
    """Damage and events, without their times, in any order."""
    table = events.EventTable()
    plain = mock.patch.object(HitReader, "read", lambda _, lines: Hits(rest=list(lines)))
    counted = mock.patch.object(events, "_MOST_GROUPS", 3)
    with tempfile.TemporaryDirectory() as directory, counted:
        path = Path(directory) / "journal"
        path.write_bytes(data)
        for whole in (True, False):
            if fast:
                damaged = table.read(path, "run", whole=whole)
            else:
                with plain:
                    damaged = table.read(path, "run", whole=whole)
    frame = table.frame().drop(columns="ts").astype(object)
    frame = frame.where(frame.notna(), None)
    found: Counter = Counter()
    for row in frame.to_dict("records"):
        number = row.pop("count")
        found[tuple(row.values())] += number
    return damaged, found


@st.composite
def damaged_lines(draw):
    """A line of which some bytes are others, missing, or those of another line."""
    line, other = draw(st.sampled_from(HITS)), draw(st.sampled_from(HITS))
    start = draw(st.integers(0, len(line)))
    end = draw(st.integers(start, min(len(line), start + 12)))
    middle = draw(st.sampled_from([b"", b"0", b'"', b"\\", b",", b"}", b"\n", b"\xff", b"null"]))
    rest = other[draw(st.integers(0, len(other))) :] if draw(st.booleans()) else line[end:]
    return line[:start] + middle + rest


@settings(max_examples=150)
@given(
    st.lists(
        st.one_of(st.sampled_from(HITS), st.sampled_from(OTHERS), damaged_lines()), max_size=40
    )
)
@example([*HITS, *OTHERS, *HITS, *OTHERS])
def test_any_mix_of_lines_is_told_as_by_decoding_each(lines):
    data = b"\n".join(lines)
    assert told(data, fast=True) == told(data, fast=False)


@pytest.mark.parametrize("worker", [None, "gw0"])
def test_what_a_guest_writes_of_a_hit_needs_no_decoding(tmp_path, worker):
    lines = written(tmp_path, worker=worker)
    decoded = []

    def decode(line):
        decoded.append(line)
        return events._values(line)[events._TEST], len(decoded)

    hits = HitReader(decode).read(lines * 50)
    assert (hits.rest, len(hits.rows)) == ([], 50 * len(lines))
    assert [test for test, _ in hits.tests] == TESTS * 50
    assert sum(number for _, number in hits.tests) == len(hits.rows)
    assert len(decoded) == len(TESTS) + len(URLS) - 1  # each part once, of the first line both


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("recordbake.audit.hits._MOST", 10)
    lines = [HITS[0].replace(b'"take":0', b'"take":%d' % n) for n in range(100)]
    reader = HitReader(lambda line: (None, 0))
    assert len(reader.read(lines * 2).rows) == 200
    assert len(reader._rows) <= 10
