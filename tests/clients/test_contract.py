"""One contract for every client: live, recording and strict replay look the same to a caller."""

from __future__ import annotations

import json
import os

import pytest

from recordbake.locks import recording_lock
from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES
from tests.clients.run import run_client


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
