"""One contract for every client: live, recording and strict replay look the same to a caller."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from recordbake.locks import recording_lock
from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES
from tests.support.cli import clean_environ, recordbake
from tests.support.origin import Origin

PYTHON = os.environ.get("RECORDBAKE_CONTRACT_PYTHON", sys.executable)
SCENARIO = Path(__file__).with_name("scenario.py")


def _refused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://localhost:{probe.getsockname()[1]}/refused"


def run_client(client, where):
    """What one client sees live, recording, and in a strict replay with the server gone."""
    refused = _refused_url()
    capture = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
    with Origin() as origin:
        command = [PYTHON, str(SCENARIO), client, origin.url, refused]
        live = subprocess.run(
            command, capture_output=True, text=True, check=True, env=clean_environ(), cwd=where
        )
        origin._counts.clear()
        asked = len(origin.requests)
        recorded = recordbake("record", "--allow-errors", "--", *command, cwd=where, env=capture)
        assert recorded.returncode == 0, recorded.stderr
        asked, recorded_requests = len(origin.requests), len(origin.requests) - asked
        assert recorded_requests > len(FEATURES) - 5
    replayed = recordbake("replay", "--strict", "--", *command, cwd=where, env=capture)
    assert len(origin.requests) == asked, "the replay went live"
    return {
        "live": json.loads(live.stdout),
        "recorded": json.loads(recorded.stdout),
        "replayed": json.loads(replayed.stdout),
        "stderr": replayed.stderr,
        "exit": replayed.returncode,
    }


@pytest.fixture(scope="module", params=sorted(CLIENTS))
def outcomes(request, tmp_path_factory):
    """A client's run, made once for all workers of pytest-xdist."""
    where = tmp_path_factory.getbasetemp()
    shared = (where.parent if "PYTEST_XDIST_WORKER" in os.environ else where) / request.param
    shared.mkdir(exist_ok=True)
    with recording_lock(shared, shared=False, seconds=600):
        kept = shared / "outcomes.json"
        if not kept.exists():
            kept.write_text(json.dumps(run_client(request.param, shared)))
    return json.loads(kept.read_text())


@pytest.mark.parametrize("feature", FEATURES)
def test_recording_looks_live(outcomes, feature):
    assert outcomes["recorded"][feature] == outcomes["live"][feature]


@pytest.mark.parametrize("feature", FEATURES)
def test_replay_looks_live(outcomes, feature):
    assert outcomes["replayed"][feature] == outcomes["live"][feature]


def test_nothing_was_missed(outcomes):
    assert outcomes["exit"] == 0, outcomes["stderr"]
