"""``recordbake init``: what it finds, what it changes, and what it leaves alone."""

from __future__ import annotations

import sys

import pytest
import yaml

from recordbake.initial import detect
from recordbake.settings.table import loads
from tests.support.cli import recordbake
from tests.support.terminal import Terminal

PYPROJECT = """\
# the project
[project]
name = 'demo'   # quotes stay
version = "1"

[project.optional-dependencies]
docs = ["sphinx"]
test = [
    "pytest",  # the newest
]

[tool.ruff]
line-length = 88

[[tool.mypy.overrides]]
module = "x"
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("def test_it():\n    pass\n")
    (tmp_path / ".gitignore").write_text("*.pyc\n.recordbake")
    (tmp_path / ".github").mkdir()
    return tmp_path


def init(where, *arguments):
    result = recordbake("init", *arguments, cwd=where)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def files(where):
    return {str(p.relative_to(where)): p.read_text() for p in where.rglob("*") if p.is_file()}


def test_it_writes_table_ignores_and_workflow(project):
    text = init(project, "--yes")
    after = files(project)
    added = after["pyproject.toml"].removeprefix(PYPROJECT)
    assert len(added) < len(after["pyproject.toml"])  # nothing before it has changed
    table = loads(after["pyproject.toml"])["tool"]
    assert table["recordbake"] == {"command": ["pytest"]}
    assert table["mypy"] == {"overrides": [{"module": "x"}]}
    assert after[".gitignore"] == (
        "*.pyc\n.recordbake\n# recordbake\n/reports/audit.*\n/reports/revalidation.ndjson\n"
    )
    jobs = yaml.safe_load(after[".github/workflows/recordbake.yml"])["jobs"]
    runs = [step["run"] for step in jobs["replay"]["steps"] if "run" in step]
    assert runs[0] == "python -m pip install -e '.[test]'"
    assert "recordbake replay --strict --recording .recordbake/baked" in runs
    assert "wrote .github/workflows/recordbake.yml" in text
    assert recordbake("config", "command", cwd=project).stdout.split()[1] == "pytest"


def test_a_second_time_there_is_nothing_to_do(project):
    init(project, "--yes")
    before = files(project)
    assert "nothing to do" in init(project, "--yes")
    assert files(project) == before


def test_a_dry_run_shows_all_and_writes_nothing(project):
    before = files(project)
    text = init(project, "--dry-run")
    assert files(project) == before
    for line in ("+[tool.recordbake]", "+/reports/audit.*", "+name: recordbake"):
        assert f"\n{line}" in text


def test_what_is_there_stays(project):
    path = project / ".github" / "workflows" / "recordbake.yml"
    path.parent.mkdir()
    path.write_text("mine\n")
    own = PYPROJECT + '[tool.recordbake]\ncommand = "tox"\nstrict_tests = true\n'
    (project / "pyproject.toml").write_text(own)
    assert "differs and stays; --force replaces it" in init(project, "--yes")
    assert path.read_text() == "mine\n"
    assert (project / "pyproject.toml").read_text() == own
    text = init(project, "--dry-run", "--force")
    assert "\n-mine" in text
    init(project, "--yes", "--force")
    assert "mine" not in path.read_text()


def test_without_a_terminal_it_does_not_ask(project):
    result = recordbake("init", cwd=project)
    assert result.returncode == 2
    assert "give --yes" in result.stderr


@pytest.mark.parametrize("answer", ["n", "yes"])
def test_it_asks(project, answer):
    before = files(project)
    terminal = Terminal([sys.executable, "-m", "recordbake", "init"], project)
    terminal.read_until(r"workflow for \[GITHUB/gitlab/none\]\? ")
    terminal.type("none\n")
    terminal.read_until(r"write this \[YES/no\]\? ")
    terminal.type(f"{answer}\n")
    assert terminal.finish()[0] == 0
    changed = {name for name, text in files(project).items() if before.get(name) != text}
    assert changed == ({"pyproject.toml", ".gitignore"} if answer == "yes" else set())


def test_gitlab(project):
    init(project, "--yes", "--ci", "gitlab")
    found = yaml.safe_load((project / ".gitlab" / "recordbake.yml").read_text())
    assert found["recordbake:replay"]["script"][1].startswith("recordbake replay --strict")
    include = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
    assert include == {"include": [{"local": ".gitlab/recordbake.yml"}]}
    (project / ".gitlab-ci.yml").write_text("stages: [test]\n")
    assert "add to .gitlab-ci.yml" in init(project, "--yes")
    assert (project / ".gitlab-ci.yml").read_text() == "stages: [test]\n"


def test_command_and_install_may_be_given(project):
    init(project, "--yes", "--install", "-r 'a b.txt'", "--", "pytest", "-q", "t est")
    found = files(project)
    table = loads(found["pyproject.toml"])["tool"]["recordbake"]
    assert table == {"command": ["pytest", "-q", "t est"]}
    assert "pip install -r 'a b.txt'" in found[".github/workflows/recordbake.yml"]


@pytest.mark.parametrize(
    ("made", "command", "install"),
    [
        ({}, ("pytest",), ("pytest",)),
        ({"pytest.ini": "[pytest]"}, ("pytest",), ("pytest",)),
        ({"requirements.txt": "requests"}, ("pytest",), ("-r", "requirements.txt", "pytest")),
        ({"requirements.txt": "requests\npytest==9.2"}, ("pytest",), ("-r", "requirements.txt")),
        ({"tox.ini": "[tox]", "setup.cfg": "[tool:pytest]"}, ("pytest",), ("-e", ".", "pytest")),
        ({"tests/test_a.py": "import unittest"}, ("python", "-m", "unittest"), ()),
        ({"tests/a/test_a.py": "import unittest", "tests/conftest.py": ""}, ("pytest",),
         ("pytest",)),
        ({"test_a.py": "import pytest, unittest"}, ("pytest",), ("pytest",)),
        ({"pyproject.toml": "[project]\nname='x'"}, ("pytest",), ("-e", ".", "pytest")),
        ({"pyproject.toml": "[dependency-groups]\ndev=[]\ntests=[]"}, ("pytest",),
         ("--group", "tests")),
        ({"setup.py": "", "setup.cfg": "[options.extras_require]\nTesting = pytest"}, ("pytest",),
         ("-e", ".[Testing]")),
        ({"setup.cfg": "not ini", "dev-requirements.txt": ""}, ("pytest",),
         ("-e", ".", "-r", "dev-requirements.txt")),
        ({"setup.py": "extras = {}\nextras['testing'] = extras['x'] + ['pytest']"}, ("pytest",),
         ("-e", ".[testing]")),
        ({"setup.py": "choices = {'test': 1}"}, ("pytest",), ("-e", ".", "pytest")),
        ({"requirements/test.txt": ""}, ("pytest",), ("-r", "requirements/test.txt")),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_detected(tmp_path, made, command, install):
    for name, text in made.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = detect(tmp_path)
    # configparser takes names of options as lower case
    assert (found.command, tuple(word.lower() for word in found.install)) == (
        command, tuple(word.lower() for word in install),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[tool.a]\nx = 1\n[project]\nname = 'y'\n[tool.b]\nz = 1\n",  # tables out of order
        "tool.a.x = 1",  # no end of line
        "[tool.a]\r\nx = 1\r\n",
        "# nothing\n",
    ],
)
def test_whatever_is_in_pyproject_stays(tmp_path, text):
    path = tmp_path / "pyproject.toml"
    path.write_bytes(text.encode())
    init(tmp_path, "--yes")
    after = path.read_bytes().decode()
    assert after.startswith(text.rstrip("\r\n"))
    assert ("\r\n[tool.recordbake]\r\n" in after) == ("\r" in text)
    was, now = loads(text), loads(after)
    assert now["tool"].pop("recordbake") == {"command": ["pytest"]}
    assert now == {"tool": {}, **was}
    init(tmp_path, "--yes")
    assert path.read_bytes().decode() == after


def test_an_option_is_added_to_a_table_that_is_there(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.recordbake]\nquiet = false  # loud\n\n[tool.b]\nz = 1\n")
    init(tmp_path, "--yes")
    assert "quiet = false  # loud\n" in path.read_text()
    assert loads(path.read_text())["tool"] == {
        "recordbake": {"quiet": False, "command": ["pytest"]}, "b": {"z": 1},
    }  # fmt: skip


def test_a_table_that_cannot_be_added_is_an_error(tmp_path):
    (tmp_path / "pyproject.toml").write_text("tool = {a = {x = 1}}\n")
    result = recordbake("init", "--yes", cwd=tmp_path)
    assert result.returncode == 2
    assert "the table cannot be added" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_damaged_pyproject_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool")
    result = recordbake("init", "--yes", cwd=tmp_path)
    assert result.returncode == 2
    assert "not valid TOML" in result.stderr
