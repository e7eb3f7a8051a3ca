"""Whatever a suite or the machine does to its clock, store and journal keep real time and order."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing

import pytest

from recordbake import runs
from recordbake.recording import Recording
from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
ASK = """
import sys, urllib.request
def get(path):
    return urllib.request.urlopen(sys.argv[1] + path).read()
"""
SUITES = {
    "freezegun": """
import datetime, freezegun
get("/a")
for year in ("1999", "2050"):
    with freezegun.freeze_time(year + "-01-01"):
        assert str(datetime.date.today().year) == year
        get("/" + year)
with freezegun.freeze_time("2020-02-02", tick=True):
    get("/ticking")
get("/z")
""",
    "time-machine": """
import datetime, time, time_machine
get("/a")
for year in (1999, 2050):
    with time_machine.travel(datetime.datetime(year, 6, 1), tick=False):
        assert datetime.date.today().year == time.gmtime().tm_year == year
        get(f"/{year}")
with time_machine.travel(0, tick=True):
    get("/ticking")
get("/z")
""",
    "another zone": """
import os, time
get("/a")
for zone in ("Pacific/Kiritimati", "America/St_Johns", "nonsense"):
    os.environ["TZ"] = zone
    time.tzset()
    get("/" + zone)
get("/z")
""",
    "a mocked clock": """
import time
from unittest import mock
get("/a")
with mock.patch("time.time", return_value=0.0), mock.patch("time.monotonic", return_value=1.0):
    get("/mocked")
get("/z")
""",
    "a clock that goes back": """
import time
real = time.time
for number in range(4):
    time.time = lambda: real() - 1e6 * number
    get(f"/{number}")
""",
}


def events(run):
    return [json.loads(line) for line in run.journal.read_bytes().splitlines()]


@pytest.mark.parametrize("name", SUITES)
def test_suites_that_move_time(name, tmp_path):
    program = tmp_path / "suite.py"
    program.write_text(ASK + SUITES[name])
    before = time.time()
    with Origin() as origin:
        command = ["--", sys.executable, program, origin.url]
        recorded = recordbake("record", *command, cwd=tmp_path, env=CAPTURE)
        assert recorded.returncode == 0, recorded.stderr
        seen = [request.partition(" ")[2] for request in origin.requests]
        replayed = recordbake("replay", "--strict", *command, cwd=tmp_path, env=CAPTURE)
        assert replayed.returncode == 0, replayed.stderr
    after = time.time()
    for run in Recording(tmp_path / ".recordbake").runs():
        found = events(run)
        times = [event["ts"] for event in found]
        assert times == sorted(times)
        assert before - 1 < times[0] <= times[-1] < after + 1
        asked = [event["url"] for event in found if event["event"] == "request"]
        assert [url.removeprefix(origin.url) for url in asked] == seen
    store = tmp_path / ".recordbake" / "http_cache" / "requests_cache.sqlite"
    with closing(sqlite3.connect(store)) as connection:
        recorded_at = [row[0] for row in connection.execute("SELECT recorded_at FROM entries")]
    assert len(recorded_at) == len(seen)
    assert all(before - 1 < moment < after + 1 for moment in recorded_at)


def test_runs_keep_their_order_when_the_clock_is_set_back(tmp_path):
    recording = Recording(tmp_path)
    future = recording.runs_dir / "20991231T235959.999999Z-record-ffff"
    future.mkdir(parents=True)
    made = []
    for _ in range(3):
        run, lock = runs.create(recording, "replay")
        made.append(run.id)
        os.close(lock)
    assert [run.id for run in recording.runs()] == [future.name, *made]
    (recording.runs_dir / "notes").mkdir()
    run, lock = runs.create(recording, "replay")
    os.close(lock)
    assert "-replay-" in run.id


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
@pytest.mark.parametrize("shift", ["-400d", "+400d"])
def test_a_machine_whose_clock_is_wrong(tmp_path, shift):
    """Recorded with a right clock, replayed with a wrong one, and the other way round."""
    program = tmp_path / "suite.py"
    program.write_text(ASK + 'assert get("/text")\n')
    wrong = ("faketime", "-f", shift)
    with Origin() as origin:
        command = ["--isolation", "process", "--", sys.executable, program, origin.url]
        for turn in ((), wrong), (wrong, ()):
            shutil.rmtree(tmp_path / ".recordbake", ignore_errors=True)
            first = recordbake("record", *command[2:], cwd=tmp_path, env=CAPTURE, before=turn[0])
            assert first.returncode == 0, first.stderr
            again = recordbake(
                "replay", "--strict", *command, cwd=tmp_path, env=CAPTURE, before=turn[1]
            )
            assert again.returncode == 0, again.stderr
            assert recordbake("audit", cwd=tmp_path, before=turn[1]).returncode == 0
