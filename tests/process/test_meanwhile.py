"""What the command does while the suite runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from tests.support.cli import clean_environ, recordbake
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


#: An interpreter whose trial is interrupted, and all of its process group with it, once the command
#: runs; the command, which takes it as any other Python does.
INTERRUPTING = """\
#!/bin/sh
if [ -n "$RECORDBAKE_PROBE" ]; then
  for n in $(seq 300); do
    if [ -e begun ]; then kill -INT 0; sleep 30; fi
    sleep 0.1
  done
  exit 1
fi
exec {python} "$@"
"""


def test_ctrl_c_while_the_trial_goes_on_is_no_fault_of_the_interpreter(tmp_path):
    interpreter = tmp_path / "python3"
    interpreter.write_text(INTERRUPTING.format(python=sys.executable))
    interpreter.chmod(0o755)
    code = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(60)"
    process = subprocess.run(
        [sys.executable, "-m", "recordbake", "record", "--", interpreter, "-c", code],
        cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, check=False,
        start_new_session=True, timeout=120,
    )  # fmt: skip
    assert process.returncode == 130, process.stderr
    assert "cannot be hooked" not in process.stderr
    assert "exit 130 (interrupted" in process.stderr
    (path,) = tmp_path.glob(".recordbake/runs/*/http_log.ndjson")
    assert {json.loads(line)["event"] for line in path.open()} == {"process_start", "process_stop"}


#: recordbake, which says each time what is written of a run.
WRITING = """
import sys
from recordbake.run_info import RunInfo
write = RunInfo.write

def telling(self, path):
    print("written", self.exit_code, self.counts.get("processes"))
    write(self, path)

RunInfo.write = telling
from recordbake.entry import main
sys.exit(main())
"""


def test_what_a_run_says_of_itself_is_written_at_its_start_and_once_at_its_end(tmp_path):
    (tmp_path / "writing.py").write_text(WRITING)
    result = subprocess.run(
        [sys.executable, "writing.py", "record", "--", sys.executable, "-c", ""],
        cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.splitlines() == ["written None None", "written 0 1"]
    (path,) = tmp_path.glob(".recordbake/runs/*/run.json")
    assert json.loads(path.read_text())["exit_code"] == 0
