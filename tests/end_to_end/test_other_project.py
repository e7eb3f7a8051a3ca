"""Another project with the built wheel, in a directory of its own: nox, tox and the command line.

nox, tox and recordbake are in an environment of their own, the suite in those that they make.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.support.cli import ROOT, clean_environ
from tests.support.origin import Origin

pytestmark = pytest.mark.network_install

HOW_TO = (ROOT / "docs" / "how-to" / "nox-tox.md").read_text()
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "demo"
version = "1"
dependencies = ["requests"]
[project.optional-dependencies]
test = ["pytest"]
[tool.hatch.build.targets.wheel]
packages = ["demo"]
"""
#: What comes with a noxfile of its own.
NOXFILE = """
import nox
nox.options.default_venv_backend = "uv|virtualenv"
@nox.session
def audit(session):
    \"\"\"Look for known vulnerabilities.\"\"\"
""" + re.search(r"```python\n(.*?)```", HOW_TO, re.DOTALL)[1]


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """The bin directory of an environment with the wheel, nox and tox."""
    where = tmp_path_factory.mktemp("tools")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "build", "--wheel", "--out-dir", where, ROOT], check=True)
    (wheel,) = where.glob("*.whl")
    subprocess.run([*uv, "venv", "--python", sys.executable, where / "venv"], check=True)
    python = where / "venv" / "bin" / "python"
    subprocess.run([*uv, "pip", "install", "--python", python, wheel, "nox[uv]", "tox"], check=True)
    return python.parent


@pytest.fixture
def project(tmp_path, tools):
    """The project, its server, and how to run a command in it."""
    with Origin() as origin:
        (tmp_path / "pyproject.toml").write_text(PYPROJECT)
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo" / "__init__.py").write_text(textwrap.dedent(f"""
            import requests
            def one():
                return requests.get("{origin.url}/one").text
            """))  # fmt: skip
        (tmp_path / "test_demo.py").write_text(textwrap.dedent("""
            import importlib.util
            import demo
            def test_one():
                assert demo.one() == "/one"
                assert importlib.util.find_spec("recordbake") is None
            """))  # fmt: skip

        def run(command, expected=0):
            environ = clean_environ(RECORDBAKE_CAPTURE_LOOPBACK="1")
            environ["PATH"] = f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin"
            result = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert result.returncode == expected, (command, result.stdout + result.stderr)
            return result.stdout + result.stderr

        yield tmp_path, origin, run


def listed(text):
    return dict(re.findall(r"^[*-] (\S+) (?:\[.*\] )?-> (.+)", text, re.MULTILINE))


def test_nox(project):
    where, origin, run = project
    noxfile = NOXFILE.replace('"-q"])', '"-q"], prefix="rb_", tags=["ci"], python=["3"])')
    (where / "noxfile.py").write_text(noxfile)
    texts = listed(run("nox -l"))
    assert texts["audit"] == "Look for known vulnerabilities."
    assert texts["rb_audit"].startswith("Report misses, sizes and stale entries")
    assert {"rb_record-3", "rb_bake", "rb_replay-3", "rb_replay_strict-3"} <= set(texts)
    assert "rb_bake" in listed(run("nox -l -t ci"))
    run("nox -s rb_record rb_bake")
    origin.close()
    text = run("nox -R -s rb_replay_strict rb_replay rb_audit")
    assert text.count("1 requests (1 hit)") >= 2
    assert (where / "reports" / "audit.html").is_file()


def test_several_pythons_make_one_recording(project):
    """The second asks for one more; what the first recorded stays."""
    where, origin, run = project
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (where / "noxfile.py").write_text(textwrap.dedent(f"""
        import nox
        nox.options.default_venv_backend = "uv"
        from recordbake.workflow import add_sessions
        def install(session):
            session.install("-e", ".[test]")
            session.env["PAGE"] = session.python.replace("{version}", "one")
        add_sessions(install, ["pytest", "-q"], python=["{version}", "3"])
        """))  # fmt: skip
    (where / "test_demo.py").write_text(textwrap.dedent(f"""
        import os, requests
        def test_page():
            assert requests.get("{origin.url}/" + os.environ["PAGE"]).ok
        """))  # fmt: skip
    run("nox -s record bake")
    origin.close()
    assert run("nox -R -s replay_strict").count("1 requests (1 hit)") >= 2


def test_tox(project):
    where, origin, run = project
    (ini,) = re.findall(r"```ini\n(.*?)```", HOW_TO, re.DOTALL)
    (where / "tox.ini").write_text(ini)
    commands = re.findall(r"^\$ (tox .*)$", HOW_TO, re.MULTILINE)
    assert len(commands) == 2
    assert "run the suite once online" in run("tox list --no-desc -q; tox list")
    run(commands[0])
    origin.close()
    assert "1 requests (1 hit)" in run(commands[1])
    assert (where / "reports" / "audit.html").is_file()


def test_init_and_the_command_line(project):
    where, origin, run = project
    text = run("recordbake init --yes --ci github")
    assert "command:  pytest" in text
    assert "install:  -e '.[test]'" in text
    run("python -m venv venv && venv/bin/python -m pip install -q -e '.[test]'")
    run("PATH=$PWD/venv/bin:$PATH recordbake record && recordbake bake")
    origin.close()
    workflow = (where / ".github" / "workflows" / "recordbake.yml").read_text()
    replay = workflow.partition("\n  replay:")[2]
    offline = re.findall(r"run: (recordbake .*)", replay)
    assert len(offline) == 3
    for command in offline:  # as the workflow runs them
        run(f"PATH=$PWD/venv/bin:$PATH {command}")
    assert (where / "reports" / "audit.html").is_file()
