"""pandas, pooch, urlretrieve and whatever stands on the clients: recorded, replayed offline."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.end_to_end.test_hub import events, outcomes
from tests.support.cli import ROOT, recordbake
from tests.support.environments import python_with

NEWEST = ("pandas", "pooch", "requests")
#: With urllib3 1.26; of pandas, what has wheels for the Python that runs the tests.
LOWEST = (
    "pandas==2.0.*; python_version < '3.12'", "numpy<2; python_version < '3.12'",
    "pandas==2.2.*; python_version >= '3.12'", "pooch==1.6.*", "requests==2.28.*",
)  # fmt: skip


@pytest.mark.parametrize("requirements", [NEWEST, LOWEST], ids=["newest", "lowest"])
def test_consumers(requirements, tmp_path):
    shutil.copy(ROOT / "tests" / "end_to_end" / "consumers.py", tmp_path / "test_consumers.py")
    python = python_with("pytest", *requirements)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    state = tmp_path / "server"
    server = [sys.executable, ROOT / "examples" / "with_server.py", "--state", str(state), "--"]
    recorded = recordbake(
        "record", "--", *command, "--junitxml=recorded.xml", cwd=tmp_path, before=server
    )
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    replayed = recordbake(
        "replay", "--strict", "--", *command, "--junitxml=replayed.xml", cwd=tmp_path
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert outcomes(tmp_path / "replayed.xml") == outcomes(tmp_path / "recorded.xml")
    asked = [e for e in events(tmp_path, "replay_strict") if e["event"] == "request"]
    assert {e["outcome"] for e in asked} == {"hit"}
