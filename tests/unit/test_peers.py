"""What is told of other tools is told of all, and differences are named for what they are."""

from __future__ import annotations

import re

import pytest

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES, GROUPS
from tests.peers import comparing, page
from tests.peers.__main__ import controls
from tests.peers.peer import NAMES, load
from tests.peers.running import Runs
from tests.support.cli import ROOT

LIVE = {
    "status": 200, "reason": "OK", "headers": [["A", "1"], ["a", "2"], ["B", "3"]], "body": "x",
    "size": 1, "digest": "d", "url": "http://h/x", "history": [], "version": "1.1",
    "cookies": [["c"]], "closed": True,
}  # fmt: skip
FAILED = {"error": ["a.Timeout", "b.Inner"], "text": ["slow", "slow"], "args": "()"}


@pytest.mark.parametrize(
    ("live", "found", "kinds"),
    [
        (LIVE, LIVE, []),
        (LIVE, None, ["not answered"]),
        (LIVE, FAILED, ["not answered"]),
        (FAILED, LIVE, ["answered"]),
        (FAILED, FAILED | {"error": ["a.Other"]}, ["class of the exception"]),
        (FAILED, FAILED | {"text": ["slower"]}, ["texts of the exception"]),
        (LIVE, LIVE | {"status": 404}, ["status"]),
        (LIVE, LIVE | {"reason": None}, ["reason"]),
        (LIVE, LIVE | {"digest": "e"}, ["body"]),
        (LIVE, LIVE | {"headers": [["A", "1, 2"], ["B", "3"]]}, ["duplicate fields"]),
        (LIVE, LIVE | {"headers": LIVE["headers"][:2]}, ["header fields"]),
        (LIVE, LIVE | {"headers": [["b", "3"], *LIVE["headers"][:2]]}, ["case or order of fields"]),
        (LIVE, LIVE | {"headers": [*LIVE["headers"], ["Content-Length", "1"]]},
         ["fields of the connection"]),
        (LIVE, LIVE | {"cookies": []}, ["cookies"]),
        (LIVE, LIVE | {"url": "http://h/y"}, ["URL and history"]),
        (LIVE, LIVE | {"url": "/x"}, ["the rest"]),
        (LIVE, LIVE | {"closed": False}, ["the rest"]),
        (LIVE | {"error": "None"}, LIVE | {"error": "HTTP 404"}, ["the rest"]),
    ],
)  # fmt: skip
def test_kinds_of_differences(live, found, kinds):
    assert comparing.differences(live, found, "text") == kinds
    cell = comparing.cell(live, live, found, "text")
    assert comparing.is_plain(cell) == (not set(kinds) & set(comparing.PLAIN))


def test_an_undecoded_body_is_a_kind_of_its_own():
    assert comparing.differences(LIVE, LIVE | {"digest": "e"}, "raw-gzip") == ["raw body"]


def test_a_run_that_came_to_nothing_is_no_cell_that_is_the_same():
    assert comparing.cell(LIVE, LIVE, None, "text") == {"replayed": ["not answered"]}
    with pytest.raises(ValueError, match="the live run did not come to text"):
        comparing.cell(None, LIVE, LIVE, "text")


def test_controls_fail_what_was_set_up_wrongly():
    def failed(name, recorded, replayed, empty):
        cells = {"text": comparing.cell(LIVE, recorded, replayed, "text")}
        seen = ({"text": found} for found in (LIVE, recorded, replayed, empty))
        return controls(name, Runs(*seen), cells)

    assert failed("vcrpy", LIVE, LIVE, FAILED) == ""
    assert failed("vcrpy", LIVE, FAILED, FAILED) == "a plain GET was not the same"
    assert failed("vcrpy", LIVE, LIVE, LIVE) == "a replay of nothing answered"
    assert failed("nothing", FAILED, FAILED, FAILED) == "two live runs differ: text"


@pytest.mark.parametrize("name", NAMES)
def test_each_client_is_asked_or_a_reason_is_given(name):
    peer = load(name)
    assert set(peer.clients) | set(peer.why_not) == set(CLIENTS)
    assert not set(peer.clients) & set(peer.why_not)
    assert set(peer.not_claimed) <= {*FEATURES, *GROUPS}


def test_the_control_is_claimed_by_all():
    for name in NAMES:
        assert not page.unclaimed(load(name), "text"), name


def test_the_page_is_of_the_contract_as_it_is():
    text = (ROOT / "docs" / "reference" / "peers.md").read_text()
    tables = text.split("\n## ")
    (features,) = (table for table in tables if table.startswith("By feature"))
    rows = [line.split(" | ")[0].strip("| ") for line in features.splitlines() if line[:1] == "|"]
    assert rows[2:] == list(FEATURES)
    (clients,) = (table for table in tables if table.startswith("By client"))
    rows = [line.split(" | ")[0].strip("| ") for line in clients.splitlines() if line[:1] == "|"]
    assert set(rows[2:]) <= set(CLIENTS)
    comparison = (ROOT / "docs" / "explanation" / "comparison.md").read_text()
    for line in clients.splitlines():
        if line[:1] == "|" and "---" not in line:
            assert re.sub(r" \(\d+\)", "", line) in comparison
