"""The recipes for CI, run as their services would run them: each step in its own file and order.

On machines that are empty but for git, Python and pipx, with recordbake from its wheel. Recording
jobs have a server; when the replaying ones begin it is gone.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import recipes
from tests.support.cli import ROOT, clean_environ, recordbake
from tests.support.origin import Origin

CI = ROOT / "docs" / "how-to" / "ci"
BUCKET = "example-bucket"
PYPROJECT = """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "sample"
version = "1"
dependencies = ["requests"]
optional-dependencies = {test = ["pytest"]}

[tool.setuptools]
py-modules = []
"""
SUITE = """
import pytest, requests

@pytest.mark.parametrize("page", range(4))
def test_page(page):
    assert requests.get(f"http://api.example.org/items/{page}").text.endswith(f"/items/{page}")
"""
NEW_TEST = """
def test_new():
    assert requests.get("http://api.example.org/new").ok
"""


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    """An environment with the wheel, as it would be released."""
    where, uv = tmp_path_factory.mktemp("tool"), [sys.executable, "-m", "uv"]
    for words in (
        ["build", "--quiet", "--wheel", "--out-dir", where, ROOT],
        ["venv", "--quiet", "--python", sys.executable, where / "venv"],
        [
            "pip",
            "install",
            "--quiet",
            "--python",
            where / "venv",
            "--find-links",
            where,
            "recordbake",
        ],
    ):
        subprocess.run([*uv, *map(str, words)], check=True)
    return where / "venv"


def git(project, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "tests" / "test_items.py").write_text(SUITE)
    git(root, "init", "--quiet")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "a project")
    return root


@pytest.fixture
def origin():
    """As a proxy, it answers for any host."""
    with Origin() as server:
        yield server


@pytest.fixture
def bucket(monkeypatch):
    """The bucket of the recipes, on this machine; variables that lead there."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    env = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
    client = boto3.client(
        "s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-east-1", **keys
    )
    client.create_bucket(Bucket=BUCKET)
    yield env | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    server.stop()


@pytest.fixture
def service(tmp_path, project, tool, origin):
    env = {"http_proxy": origin.url, "no_proxy": "127.0.0.1,localhost"}
    (tmp_path / "kept").mkdir()
    return recipes.Service(tmp_path / "kept", project, tool, env)


def all_well(done):
    for script, code, output in done:
        assert code == 0, f"$ {script}\n{output}"
    return "\n".join(output for _, _, output in done)


def record_then_replay(service, origin, tmp_path, recording, replaying):
    """Run both, the server gone between them; returns what the replaying jobs printed."""
    assert recording
    assert replaying
    for job in recording:
        all_well(service.run(job, tmp_path / f"record-{job.directory}"))
    asked = len(origin.requests)
    assert asked >= 4
    origin.close()
    printed = [
        all_well(service.run(job, tmp_path / f"replay-{job.directory}")) for job in replaying
    ]
    assert len(origin.requests) == asked
    for output in printed:
        assert "4 passed" in output
        assert "4 hit" in output
    return printed


def test_github(service, origin, bucket, tmp_path, project):
    service.env |= bucket | {"BAKE": f"s3://{BUCKET}/recordbake/main"}
    recording = recipes.github(CI / "github.yml", "schedule")
    replaying = recipes.github(CI / "github.yml", "pull_request")
    assert [job.name for job in recording] == ["record-1", "record-2", "bake-"]
    record_then_replay(service, origin, tmp_path, recording, replaying)
    assert (service.kept / "audit-3.13" / "audit.html").stat().st_size > 10_000
    (project / "tests" / "test_items.py").write_text(SUITE + NEW_TEST)
    git(project, "commit", "--quiet", "-am", "a test that asks for something new")
    kept = service.kept / "audit-3.10" / "audit.html"
    kept.unlink()
    done = service.run(replaying[0], tmp_path / "change")
    codes = {script: code for script, code, _ in done}
    assert codes["recordbake replay --strict --recording baked -- pytest -q"] == 10
    assert codes["recordbake audit --recording baked"] == 0
    assert kept.exists(), "the audit of a red build is kept"


def test_gitlab(service, origin, tmp_path):
    path = CI / "gitlab-ci.yml"
    recording = recipes.gitlab(path, scheduled=True, opt=tmp_path / "opt-record")
    replaying = recipes.gitlab(path, scheduled=False, opt=tmp_path / "opt-replay")
    record_then_replay(service, origin, tmp_path, recording, replaying)
    assert (service.kept / "artifacts-replay" / "reports" / "audit.html").exists()


def test_circleci(service, origin, tmp_path):
    path = CI / "circleci.yml"
    recording, replaying = recipes.circleci(path, "nightly"), recipes.circleci(path, "change")
    record_then_replay(service, origin, tmp_path, recording, replaying)
    assert (service.kept / "artifacts" / "reports" / "audit.html").exists()


def test_buildkite(service, origin, bucket, tmp_path):
    service.env |= bucket
    path = CI / "buildkite.yml"
    recording = recipes.buildkite(path, record=True)
    replaying = recipes.buildkite(path, record=False)
    record_then_replay(service, origin, tmp_path, recording, replaying)
    assert (service.kept / "artifacts" / "reports" / "audit.html").exists()


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_what_init_writes(name, service, origin, tmp_path, project):
    done = recordbake("init", "--yes", "--ci", name, cwd=project, env=clean_environ())
    assert done.returncode == 0, done.stderr
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "set up")
    if name == "github":
        (path,) = (project / ".github" / "workflows").iterdir()
        recording, replaying = recipes.github(path, "schedule"), recipes.github(path, "push")
    else:
        (path,) = (project / ".gitlab").iterdir()
        recording = recipes.gitlab(path, scheduled=True, opt=tmp_path)
        replaying = recipes.gitlab(path, scheduled=False, opt=tmp_path)
    record_then_replay(service, origin, tmp_path, recording, replaying)
    assert list(service.kept.rglob("audit.html"))
