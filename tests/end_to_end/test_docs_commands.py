"""Every command in the documentation is run: here as it stands, or by the test named here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests_cache

from tests.support.cli import ROOT, clean_environ
from tests.support.origin import Origin

PAGES = [
    "README.md", "CONTRIBUTING.md", "examples/README.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
]  # fmt: skip
#: Languages of blocks whose every line is a command.
SHELLS = ("sh", "bash", "shell")
#: Pages, or single commands, that another test runs as they stand; it names the page.
ELSEWHERE = {
    ("docs/tutorial.md", ""): "tests/end_to_end/test_tutorial.py",
    ("docs/how-to/pytest.md", ""): "tests/process/test_pytest_docs.py",
    ("docs/how-to/nox-tox.md", "nox -"): "tests/end_to_end/test_other_project.py",
    ("docs/how-to/nox-tox.md", "tox "): "tests/end_to_end/test_other_project.py",
}
#: Beginnings of commands that are not run, and why.
NOT_RUN = {
    "pip install": "an index of packages; tests/package/smoke.py installs the wheel",
    "pipx ": "an index of packages; tests/package/smoke.py installs the wheel",
    "nox": "the workflow of CI runs these sessions; tests/unit/test_docs.py compares their names",
    "python examples/": "bare nox runs this suite with this server",
    "recordbake replay --strict -- pytest examples": "bare nox runs this suite",
    "recordbake init$": "asks at a terminal; tests/unit/test_init.py answers",
    "recordbake bake --image": "a base image; tests/unit/test_bake_building.py has no need of one",
    "recordbake push": "object storage and the Hub; tests/end_to_end/test_places.py has stand-ins",
    "recordbake pull": "object storage; tests/end_to_end/test_places.py has a stand-in",
    "recordbake audit s3://": "object storage; tests/end_to_end/test_places.py has a stand-in",
    "recordbake audit --compare s3://": "object storage; tests/end_to_end/test_places.py, too",
    "recordbake audit bake/ --journals": "object storage; tests/unit/test_audit_large.py has one",
    "recordbake hook ": "changes this environment; tests/process/test_start_up.py has its own",
}
SUITE = """
import urllib.request
def test_first_page():
    assert urllib.request.urlopen("http://api.example.org/items").status == 200
"""
CASSETTE = """
interactions:
- request: {method: GET, uri: "http://kept.example.org/", body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: kept}}
version: 1
"""


def commands(page):
    """The commands of a page's blocks, in order: lines after ``$``, or all of a ``sh`` block."""
    text = (ROOT / page).read_text()
    assert not re.search(r"^[ \t]+```|^ {4,}(recordbake|pip|nox) ", text, re.MULTILINE), page
    found = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert language, f"{page}: a block without its language:\n{block}"
        lines = block.splitlines()
        if language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
            assert lines, f"{page}: a block without a command:\n{block}"
        elif language not in SHELLS:
            continue
        found += [re.sub(r"\s+#.*", "", line) for line in lines if "[OPTIONS]" not in line]
    return found


def why_not(page, command):
    """The test that runs it instead, or why none does; '' if it is run here."""
    for (name, begin), test in ELSEWHERE.items():
        if name == page and command.startswith(begin):
            return test
    return next((why for begin, why in NOT_RUN.items() if f"{command}$".startswith(begin)), "")


RUN_HERE = [page for page in PAGES if any(not why_not(page, line) for line in commands(page))]


@pytest.fixture(scope="module")
def origin():
    """As a proxy, it answers for any host."""
    with Origin() as server:
        yield server


@pytest.fixture(scope="module")
def environ(origin, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / ".config" / "fish" / "completions").mkdir(parents=True)
    return clean_environ(
        http_proxy=origin.url, HOME=str(home),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip


@pytest.fixture(scope="module")
def project(environ, tmp_path_factory):
    """One with a recording, a bake, a replay, an audit, and what other tools kept."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text('[tool.recordbake]\ncommand = ["pytest", "-q"]\n')
    (root / "tests" / "cassettes").mkdir(parents=True)
    (root / "tests" / "cassettes" / "kept.yaml").write_text(CASSETTE)
    (root / "tests" / "test_items.py").write_text(SUITE)
    for name in ("cache", "http_cache"):
        requests_cache.CachedSession(root / name).get(f"{environ['http_proxy']}/kept")
    unpacked = "unpack .recordbake/bake --to baked"
    inside = "unpack .recordbake/bake --to .recordbake/baked"
    for words in (
        "record",
        "replay --strict",
        "bake",
        unpacked,
        inside,
        "audit",
        "export --har session.har",
    ):
        shell(f"recordbake {words}", root, environ)
    for copy in ("shard-1", "shard-2"):
        shutil.copytree(root / ".recordbake", root / copy)
    for copy in ("bake", "last-night/bake"):
        shutil.copytree(root / ".recordbake" / "bake", root / copy)
    return root


def shell(command, where, environ):
    done = subprocess.run(
        ["bash", "-c", command], cwd=where, env=environ, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_commands_of_a_page(page, project, environ, tmp_path):
    where = tmp_path / "project"
    shutil.copytree(project, where)
    for command in commands(page):
        if command.startswith("recordbake merge"):
            shutil.rmtree(where / ".recordbake")  # where shards are merged there is none yet
        if not why_not(page, command):
            shell(command.replace("https://api.example", "http://api.example"), where, environ)


@pytest.mark.parametrize(("page", "test"), [(name, test) for (name, _), test in ELSEWHERE.items()])
def test_what_runs_a_page_instead_names_it(page, test):
    assert Path(page).name in (ROOT / test).read_text()


def test_no_exception_is_left_over():
    lines = [(page, f"{line}$") for page in PAGES for line in commands(page)]
    for begin, why in NOT_RUN.items():
        assert any(line.startswith(begin) for _, line in lines), begin
        for test in re.findall(r"tests/\S+\.py", why):
            assert (ROOT / test).is_file(), test
    for name, begin in ELSEWHERE:
        assert any(page == name and line.startswith(begin) for page, line in lines), (name, begin)
