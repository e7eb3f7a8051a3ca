"""Journal lines: what is written in haste says as much as what is not."""

from __future__ import annotations

import json

import pytest

from recordbake.guest.config import GuestConfig
from recordbake.guest.engine import Engine
from recordbake.guest.events import Journal, told
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
    plan = Plan("answer", asked, "x.example", "k", test, phase, 0, told=line)
    for head in (Head(200, "OK", "1.1", []), None):
        plan.take = Take("k", 1, head, 12, "")
        journal.hit(plan, plan.take)
        status = None if head is None else head.status
        engine._journal(plan, "hit", status=status, take=1, bytes=12, elapsed_ms=0.5)
    (path,) = tmp_path.glob("*.ndjson")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["ts"] = line["elapsed_ms"] = 0
    assert lines[0] == lines[1]
    assert lines[2] == lines[3]
    assert lines[0]["url"] == url


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
