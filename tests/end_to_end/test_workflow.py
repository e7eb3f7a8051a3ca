"""The sessions in another project's noxfile, and the README's commands, as a user types them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.cli import ROOT, clean_environ
from tests.support.origin import Origin

BIN = Path(sys.executable).parent


def run(command, where, **env):
    environ = clean_environ(RECORDBAKE_CAPTURE_LOOPBACK="1", **env)
    environ["PATH"] = f"{BIN}{os.pathsep}{environ['PATH']}"
    return subprocess.run(
        command, cwd=where, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path):
    """A project with one test; the server goes away when the test asks for it."""
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(
            textwrap.dedent(f"""
            import urllib.request
            def test_one():
                assert urllib.request.urlopen("{origin.url}/one").read() == b"/one"
            """)
        )
        yield tmp_path, origin


def nox(where, *arguments):
    result = run([sys.executable, "-m", "nox", "--no-color", *arguments], where)
    return result.returncode, result.stdout + result.stderr


def test_two_lines_in_a_noxfile(project):
    where, origin = project
    (where / "noxfile.py").write_text(
        "from recordbake.workflow import add_sessions\nadd_sessions(command=['pytest', '-q'])\n"
    )
    code, text = nox(where, "-l")
    listed = re.findall(r"^[*-] (\S+) (?:\[.*\] )?-> (.+)", text, re.MULTILINE)
    names = ["record", "bake", "replay", "replay_strict", "replay-strict", "audit"]
    assert [name for name, _ in listed] == names
    code, text = nox(where, "-s", "record", "bake")
    assert code == 0, text
    origin.close()
    for session in ("replay_strict", "replay-strict", "replay", "audit"):
        code, text = nox(where, "-s", session)
        assert code == 0, text
    assert (where / "reports" / "audit.html").exists()
    assert "1 requests (1 hit)" in nox(where, "-s", "replay_strict")[1]


def test_command_and_options_after_the_dashes(project):
    where, _ = project
    (where / "noxfile.py").write_text(
        "from recordbake.workflow import add_sessions\nadd_sessions(command=['false'])\n"
    )
    assert nox(where, "-s", "record", "--", "pytest", "-q")[0] == 0
    code, text = nox(where, "-s", "record", "--", "--missing", "--", "pytest", "-q")
    assert code == 0
    assert "1 requests (1 hit)" in text


def test_the_command_may_be_configured(project):
    where, _ = project
    (where / "pyproject.toml").write_text('[tool.recordbake]\ncommand = ["pytest", "-q"]\n')
    (where / "noxfile.py").write_text(
        "from recordbake.workflow import add_sessions\nadd_sessions()\n"
    )
    assert nox(where, "-s", "record")[0] == 0


def test_a_changed_recording_is_replayed_rather_than_the_older_bake(project):
    where, origin = project
    (where / "noxfile.py").write_text(
        "from recordbake.workflow import add_sessions\nadd_sessions(command=['pytest', '-q'])\n"
    )
    nox(where, "-s", "record", "bake")
    path = where / "test_suite.py"
    path.write_text(path.read_text().replace("/one", "/two"))
    assert nox(where, "-s", "record")[0] == 0
    origin.close()
    assert nox(where, "-s", "replay_strict")[0] == 0


def readme_commands():
    text = (ROOT / "README.md").read_text()
    block = re.search(r"## In your project\n\n```console\n(.*?)```", text, re.DOTALL)
    lines = [line.partition("#")[0].strip("$ ") for line in block.group(1).splitlines()]
    return [line for line in lines if line and not line.startswith("pip")]


def test_the_readmes_commands(project):
    where, origin = project
    commands = readme_commands()
    assert len(commands) == 6
    for command in commands:
        if "replay" in command:
            origin.close()
        result = run(["sh", "-c", command], where)
        assert result.returncode == 0, (command, result.stdout + result.stderr)
    assert (where / "reports" / "audit.html").exists()


def test_an_image_names_its_unpacked_bake_by_http_cache_dir(project):
    where, origin = project
    for command in readme_commands()[:4]:
        assert run(["sh", "-c", command], where).returncode == 0
    origin.close()
    strict = ["recordbake", "replay", "--strict", "--", "pytest", "-q"]
    elsewhere = where / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pyproject.toml").touch()  # a project of its own
    (where / "test_suite.py").rename(elsewhere / "test_suite.py")
    result = run(strict, elsewhere, HTTP_CACHE_DIR=str(where / ".recordbake/baked/http_cache"))
    assert result.returncode == 0, result.stderr
    assert run(strict, elsewhere).returncode == 12
    assert run(strict, elsewhere, HTTP_CACHE_DIR=str(where)).returncode == 2


def as_nobody(where):
    """What to put before a command so that it may not write; root may write anywhere."""
    if os.geteuid() != 0:
        return []
    for path in (where, *where.parents):
        if path != Path(path.anchor):
            path.chmod(path.stat().st_mode | 0o055)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with suppress(OSError):
        code = "import sys, subprocess as s, recordbake; s.check_call([sys.executable, '-c', ''])"
        probe = run([*nobody, sys.executable, "-c", code], where)
        if probe.returncode == 0:
            return nobody
    pytest.skip("this Python cannot be run by another user")


def set_modes(tree, of_directories, of_files):
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(of_directories if path.is_dir() else of_files)


def test_a_bake_that_cannot_be_written_is_replayed_all_the_same(project):
    where, origin = project
    for command in readme_commands()[:4]:
        run(["sh", "-c", command], where)
    origin.close()
    baked = where / ".recordbake/baked"
    before = sorted(baked.rglob("*"))
    set_modes(baked, 0o555, 0o444)
    strict = ["recordbake", "replay", "--strict", "--recording", str(baked), "--", "pytest", "-q"]
    command = [*as_nobody(where), sys.executable, "-m", *strict, "-p", "no:cacheprovider"]
    result = run(command, where, PYTHONDONTWRITEBYTECODE="1")
    set_modes(baked, 0o755, 0o644)
    assert result.returncode == 0, result.stderr
    assert sorted(baked.rglob("*")) == before
