"""Others hold the recording or its database, and one of them has been stopped.

Whoever waits does so for a bounded time, then exits with 12 and names the file and what to do;
what was recorded is picked up when the holder is gone.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from recordbake.recording import Recording
from recordbake.store import check
from tests.faults.fault import Fault
from tests.faults.processes import Started, run, sound, until
from tests.support.origin import Origin
from tests.support.sample import captured, make_recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.fault import Trial

#: What recordbake's own process loads first, so that two seconds stand for the minute that it
#: waits; the trial without it waits that long.
IMPATIENT = """
import sys
if "recordbake" in sys.orig_argv and "-m" in sys.orig_argv:
    import recordbake.locks
    recordbake.locks.PATIENCE = 2
"""
#: Holds what it is told to, and says when it does.
HOLD_DATABASE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(600)
"""
HOLD_RECORDING = """
import pathlib, sys, time
from recordbake.locks import recording_lock
with recording_lock(pathlib.Path(sys.argv[1]), shared=False):
    print("held", flush=True)
    time.sleep(600)
"""
FETCH = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


def held(code: str, *, stopped: bool, patient: bool = False) -> Callable[[Trial], None]:
    """Something else holds the database or the recording, awake or stopped, and never lets go."""

    def inject(trial: Trial) -> None:
        recording = make_recording(trial.where / ".recordbake", [captured("https://x.example/")])
        database = code == HOLD_DATABASE
        holder = trial.where / "holder"
        holder.mkdir()
        what = recording.store if database else recording.path
        extra = {}
        if not patient:
            (trial.where / "sitecustomize.py").write_text(IMPATIENT)
            extra["PYTHONPATH"] = str(trial.where)
        with Origin() as origin:
            with Started([sys.executable, "-c", code, str(what)], holder) as other:
                assert until(lambda: "held" in (holder / "stdout").read_text(), 60)
                if stopped:
                    other.process.send_signal(signal.SIGSTOP)
                result = run(trial.where, "record", "--", sys.executable, "-c", FETCH,
                             origin.url + "/a", **extra)  # fmt: skip
                _refused(trial, result, "requests_cache.sqlite" if database else ".lock")
                if not (patient or database):  # what only reads a database need not wait for it
                    result = run(trial.where, "replay", "--", sys.executable, "-c", "", **extra)
                    _refused(trial, result, ".lock")
                for words in (("show", "https://x.example/"), ("audit", "--out", "reports")):
                    result = run(trial.where, *words, **extra)
                    trial.check(result.returncode == 0, f"{words[0]}: {result.stderr}")
            result = run(trial.where, "replay", "--", sys.executable, "-c", "", **extra)
            trial.check(result.returncode == 0, f"afterwards: {result.stderr}")
        found = check(Recording(recording.path).store)["entries"]
        if found != 2:
            trial.lost(f"{found} entries instead of 2 after the holder was gone")

    return inject


def _refused(trial: Trial, result, name: str) -> None:
    trial.check(not sound(result), sound(result))
    good = result.returncode == 12 and name in result.stderr and "next:" in result.stderr
    trial.check(good, f"exit {result.returncode}: {result.stderr}")


def hot_journal(trial: Trial) -> None:
    """A writer was killed in the middle of its transaction; every command meets what it left."""
    from tests.faults.test_store_faults import HALF_WRITTEN

    for words in (
        ("replay", "--strict", "--", sys.executable, "-c", ""),
        ("show", "https://x.example/1"),
        ("audit", "--out", "reports"),
        ("bake", "--out", "bake"),
        ("merge", ".recordbake", "--into", "into"),
        ("record", "--", sys.executable, "-c", ""),
    ):
        where = trial.where / words[0]
        entries = [captured(f"https://x.example/{n}") for n in range(20)]
        recording = make_recording(where / ".recordbake", entries)
        with Started([sys.executable, "-c", HALF_WRITTEN, str(recording.store)], where) as writer:
            writer.end()
        trial.check(recording.store.with_name(recording.store.name + "-journal").exists(), "cold")
        result = run(where, *words)
        trial.check(result.returncode == 0, f"{words[0]}: {result.stderr}")
        with closing(sqlite3.connect(recording.store)) as connection:
            found = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        if found != 20:
            trial.lost(f"{words[0]}: {found} entries of 20")


FAULTS = [
    Fault("Locked and damaged", "another process holds the database",
          held(HOLD_DATABASE, stopped=False), 3, 1),
    Fault("Locked and damaged", "another process holds the database for longer than a minute",
          held(HOLD_DATABASE, stopped=False, patient=True), 1, 0),
    Fault("Locked and damaged", "who holds the database has been stopped",
          held(HOLD_DATABASE, stopped=True), 3, 0),
    Fault("Locked and damaged", "who holds the recording has been stopped",
          held(HOLD_RECORDING, stopped=True), 3, 1),
    Fault("Locked and damaged", "a killed writer's hot journal, met by every command",
          hot_journal, 2, 1),
]  # fmt: skip
