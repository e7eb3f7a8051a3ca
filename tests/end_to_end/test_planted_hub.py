"""A branch of the Hub that has moved: the audit tells it, and following the verdict mends it."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from dataclasses import replace

import pytest

from tests.support.cli import recordbake
from tests.support.internet import Internet

from standin.hub import CDN, HUB, Hub  # isort: skip - on the path since the import above
from standin.hub_cdn import Cdn  # isort: skip
from standin.hub_content import File  # isort: skip

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
MOVED, STILL = "hf-internal-testing/tiny-random-bert", "google-bert/bert-base-cased"
SUITE = f"""
    from huggingface_hub import dataset_info, hf_hub_download, model_info

    def test_moved(): assert open(hf_hub_download("{MOVED}", "config.json")).read()
    def test_large(): assert open(hf_hub_download("{MOVED}", "pytorch_model.bin"), "rb").read()
    def test_info(): assert model_info("{MOVED}").sha
    def test_still(): assert open(hf_hub_download("{STILL}", "config.json")).read()
    def test_fonts(): assert open(hf_hub_download("ybelkada/fonts", "README.md")).read()
    def test_font(): assert open(hf_hub_download("ybelkada/fonts", "Arial.TTF"), "rb").read()
    def test_images(): assert dataset_info("huggingface/documentation-images").sha
"""


class MovingHub(Hub):
    """A Hub that takes a commit."""

    def push(self, name: str, path: str, data: bytes) -> None:
        repo = self._repos["models", name]
        files = repo.files | {path: File(data)}
        self._repos["models", name] = replace(repo, files=files)
        self.cdn = Cdn(list(self._repos.values()))

    def send(self, request):
        """The CDN's answer: it has the files of the latest commit."""
        return self.cdn.handle(request)


@pytest.fixture
def hub():
    return MovingHub()


@pytest.fixture
def internet(hub, tmp_path):
    routes = {HUB: hub.handle, CDN: hub.send}
    with Internet(tmp_path / "internet", routes=routes) as opened:
        yield opened


def test_a_moved_branch_is_told_fetched_and_the_next_audit_is_clean(hub, internet, tmp_path):
    where = tmp_path / "project"
    where.mkdir()
    (where / "test_suite.py").write_text(textwrap.dedent(SUITE))
    environ = internet.environment()

    def run(*arguments):
        done = recordbake(*arguments, cwd=where, env=environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def audit():
        run("audit", "--revalidate")
        return json.loads((where / "reports" / "audit.json").read_text())

    run("record", "--", *PYTEST)
    run("replay", "--strict", "--", *PYTEST)
    assert audit()["findings"] == []

    hub.push(MOVED, "config.json", b'{"hidden_size": 64}\n')
    (where / "reports" / "revalidation.ndjson").unlink()  # a day has passed
    found = audit()
    assert {finding["kind"] for finding in found["findings"]} == {"stale-upstream"}
    (branch,) = [f for f in found["findings"] if f["evidence"].get("repo_id")]
    assert branch["subject"] == f"model {MOVED} at main"
    assert branch["evidence"]["recorded_commit"] != branch["evidence"]["commit"]
    verdict = found["verdict"]
    assert verdict["decision"] == "re-record these"
    assert verdict["tests"] == [f"test_suite.py::test_{n}" for n in ("info", "large", "moved")]

    asked = len(internet.requests())
    for command in (verdict["command"], *verdict["then"]):
        run(*shlex.split(command)[1:])
    others = [STILL, "ybelkada/fonts", "documentation-images"]
    seen = internet.requests()[asked:]
    assert [line for line in seen if MOVED in line]
    assert not [line for line in seen for name in others if name in line]
    assert audit()["findings"] == []
