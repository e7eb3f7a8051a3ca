"""What the command does while the suite runs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}

#: recordbake, which says in a file that it has read an answer.
TELLING = """
import pathlib, sys
from recordbake import gathering
look = gathering.Gathering.look

def telling(self):
    found = look(self)
    if found:
        pathlib.Path("read").touch()
    return found

gathering.Gathering.look = telling
from recordbake.entry import main
sys.exit(main())
"""
#: A suite that ends well only if what it asked for is read before its end.
SUITE = """
import pathlib, sys, time, urllib.request
urllib.request.urlopen({0!r}).read()
limit = time.monotonic() + 30
while not pathlib.Path("read").exists():
    if time.monotonic() > limit:
        sys.exit(3)
    time.sleep(0.01)
urllib.request.urlopen({0!r} + "/last").read()
"""
#: An interpreter whose trial goes on until the command has begun.
PATIENT = """\
#!/bin/sh
if [ -n "$RECORDBAKE_PROBE" ]; then
  for n in $(seq 300); do
    if [ -e begun ]; then exec {python} "$@"; fi
    sleep 0.1
  done
  exit 1
fi
exec {python} "$@"
"""


@pytest.fixture
def origin():
    with Origin() as server:
        yield server


def test_answers_are_read_while_the_suite_runs(tmp_path, origin):
    (tmp_path / "telling.py").write_text(TELLING)
    code = textwrap.dedent(SUITE).format(origin.url)
    result = subprocess.run(
        [sys.executable, "telling.py", "record", "--", sys.executable, "-c", code],
        cwd=tmp_path, env={**os.environ, **CAPTURE}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    origin.close()
    (tmp_path / "read").touch()
    strict = recordbake(
        "replay", "--strict", "--", sys.executable, "-c", code, cwd=tmp_path, env=CAPTURE
    )
    assert strict.returncode == 0, strict.stderr


def test_a_command_that_is_recorded_does_not_wait_for_the_trial_of_its_python(tmp_path):
    python = tmp_path / "python3"
    python.write_text(PATIENT.format(python=sys.executable))
    python.chmod(0o755)
    command = [str(python), "-c", "open('begun', 'w')"]
    result = recordbake("record", "--", *command, cwd=tmp_path)
    assert result.returncode == 0
    assert "cannot be hooked" not in result.stderr
