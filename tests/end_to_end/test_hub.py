"""The bundled suite, with each generation of huggingface_hub, recorded once and replayed offline.

The suite's environment has nothing of ours installed.
"""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.support.cli import ROOT, recordbake
from tests.support.environments import python_with

COMMON = ("pytest", "pillow", "requests", "httpx", "aiohttp")
HUBS = ["huggingface_hub>=2,<3", "huggingface_hub>=1,<2", "huggingface_hub==0.34.*"]


def outcomes(junit):
    found = {}
    for case in ET.parse(junit).getroot().iter("testcase"):
        children = {child.tag for child in case}
        found[case.get("name")] = children & {"failure", "error", "skipped"} or {"passed"}
    return found


@pytest.fixture(scope="module", params=HUBS)
def recorded(request, tmp_path_factory):
    """A project with the suite, recorded while the Hub answers 429 for the first seconds."""
    where = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "examples" / "test_example.py", where)
    python = python_with(request.param, *COMMON)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    state = where / "server"
    with_server = [
        sys.executable, str(ROOT / "examples" / "with_server.py"), "--state", str(state),
        "--rate-limit-seconds", "2", "--",
    ]  # fmt: skip
    result = recordbake(
        "record", "--", *command, "--junitxml=recorded.xml", cwd=where, before=with_server
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return where, command, state


def events(where, run):
    (journal,) = where.glob(f".recordbake/runs/*-{run}-*/http_log.ndjson")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_busy_answers_were_waited_out(recorded):
    where, _, state = recorded
    assert " 429" in (state / "requests.log").read_text()
    kept = [e for e in events(where, "record") if e["event"] == "request"]
    assert not [e for e in kept if e["status"] == 429]
    assert [e for e in kept if e.get("retries")]


def test_strict_replay_of_the_unpacked_bake_with_the_server_gone(recorded):
    where, command, state = recorded
    count = (state / "count").read_text()
    for arguments in (["bake"], ["unpack", ".recordbake/bake", "--to", "baked"]):
        result = recordbake(*arguments, cwd=where)
        assert result.returncode == 0, result.stderr
    result = recordbake(
        "replay", "--strict", "--recording", "baked", "--runs-dir", ".recordbake/runs",
        "--", *command, "--junitxml=replayed.xml", cwd=where,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert outcomes(where / "replayed.xml") == outcomes(where / "recorded.xml")
    assert {"passed"} in outcomes(where / "replayed.xml").values()
    asked = [e for e in events(where, "replay_strict") if e["event"] == "request"]
    assert {e["outcome"] for e in asked} == {"hit"}
    assert (state / "count").read_text() == count


def test_cold_hub_cache_and_random_selection_replay_too(recorded):
    where, command, _ = recorded
    result = recordbake(
        "replay", "--strict", "--hub-cache", "cold", "--", *command, "-k", "font or snapshot",
        cwd=where,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


MISS = """
from huggingface_hub import hf_hub_download
try:
    hf_hub_download("ybelkada/fonts", "not-recorded.bin")
except Exception as error:
    print(type(error).__name__)
"""


def test_a_miss_of_the_hub_is_raised_once_and_not_swallowed(recorded):
    where, command, _ = recorded
    result = recordbake("replay", "--strict", "--", command[0], "-c", MISS, cwd=where)
    assert result.returncode == 10
    assert result.stdout in ("ProxyError\n", "RetryError\n")  # httpx's, and requests'
    assert "1 blocked" in result.stderr
    assert "/ybelkada/fonts/resolve/main/not-recorded.bin" in result.stderr


UNRETRIED = """
import time
slept = []
time.sleep = slept.append
from huggingface_hub import HfApi, HfFileSystem
for call in (
    lambda: HfFileSystem().ls("ybelkada/never-recorded"),
    lambda: HfFileSystem().open("ybelkada/fonts/not-recorded.bin").read(),
    lambda: HfApi().model_info("ybelkada/never-recorded"),
    lambda: HfApi().upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="ybelkada/x"),
):
    try:
        call()
    except Exception as error:
        print(type(error).__name__)
print(len(slept))
"""


def test_no_blocked_request_of_the_hub_is_tried_again(recorded):
    """Every retry of huggingface_hub begins with a pause; these are counted."""
    where, command, _ = recorded
    result = recordbake("replay", "--strict", "--", command[0], "-c", UNRETRIED, cwd=where)
    *errors, slept = result.stdout.split()
    assert (len(errors), slept) == (4, "0"), result.stdout + result.stderr


def test_the_audit_of_it_is_clean(recorded):
    where, _, _ = recorded
    result = recordbake("audit", "--fail-on", "stale,incomplete,uncovered", cwd=where)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads((where / "reports" / "audit.json").read_text())["v"] == 1
