"""vcrpy and pytest-recording beside recordbake: their cassettes win, the rest is recorded."""

from __future__ import annotations

import json

import pytest

from tests.support.cli import recordbake
from tests.support.environments import python_with
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
SUITE = """
import os, urllib.request
import httpx, pytest, requests
BASE = os.environ["ORIGIN"]
CLIENTS = {
    "requests": lambda url: requests.get(url).text,
    "httpx": lambda url: httpx.get(url).text,
    "urllib": lambda url: urllib.request.urlopen(url).read().decode(),
}
@pytest.mark.parametrize("client", CLIENTS)
class TestIt:
    @pytest.mark.vcr
    def test_cassette(self, client):
        assert CLIENTS[client](BASE + "/cassette") == "/cassette"
    @pytest.mark.block_network
    def test_recorded(self, client):
        assert CLIENTS[client](BASE + "/recorded") == "/recorded"
"""
#: Only in the strict replay, where nothing gets out even if it does not hold.
BLOCKED = """
@pytest.mark.block_network
def test_blocked():
    import socket
    with pytest.raises(RuntimeError, match="Network is disabled"):
        socket.socket().connect(("192.0.2.1", 80))
"""


def requests_of(directory, mode):
    (journal,) = directory.glob(f".recordbake/runs/*-{mode}-*/http_log.ndjson")
    events = map(json.loads, journal.read_text().splitlines())
    return [(e["url"].rpartition("/")[2], e["outcome"]) for e in events if e["event"] == "request"]


@pytest.mark.network_install
def test_a_suite_moves_over_one_test_at_a_time(tmp_path):
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE.replace("    @pytest.mark.block_network\n", ""))
    python = python_with("pytest", "pytest-recording", "vcrpy", "requests", "httpx<0.28")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        recorded = recordbake("record", "--", *command, "--record-mode=once", cwd=tmp_path, env=env)
        assert "6 passed" in recorded.stdout, recorded.stdout + recorded.stderr
    # What vcrpy lets through to make its cassettes is recorded, too: it went live.
    assert sorted(requests_of(tmp_path, "record")) == [
        *[("cassette", "stored")] * 3, *[("recorded", "stored")] * 3,
    ]  # fmt: skip
    assert len(list(tmp_path.rglob("cassettes/**/*.yaml"))) == 3
    suite.write_text(SUITE + BLOCKED)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    assert "7 passed" in replayed.stdout, replayed.stdout + replayed.stderr
    assert replayed.returncode == 0
    assert requests_of(tmp_path, "replay_strict") == [("recorded", "hit")] * 3
