"""Ctrl-C, which the terminal sends to all of the process group, at a random moment; or twice.

Afterwards things are as after a kill (:mod:`.killed`), the exit code is 130, nobody goes on, and
no traceback of recordbake's own was printed. (What Python itself prints before recordbake's first
line is run is not looked at, nor what the suite prints.)
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from recordbake.bake import bake
from tests.faults.catalogue.killed import (
    NEXT,
    _look_at_recording,
    _program,
    _record_once,
    duration,
    litter,
    moment,
    reported,
)
from tests.faults.fault import Fault
from tests.faults.processes import Started, command, run
from tests.support.bakes import make_sample
from tests.support.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fault import Trial

_OURS = re.compile(r'File "[^"]*/recordbake/(?!guest/)[^"]*"')


def _interrupt(trial: Trial, started: Started, whole: float) -> None:
    """Press Ctrl-C once, or twice soon after each other; and look at how it ended."""
    moment(trial.chance, whole)
    for _ in range(trial.chance.choice((1, 2))):
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGINT)
        time.sleep(trial.chance.uniform(0, 0.05))
    result = started.end()
    if not started.alone():
        trial.hung(f"interrupted, and {started.members()} go on")
    trial.check(not _OURS.search(result.stderr), f"a traceback: {result.stderr[-3000:]}")
    # It may come when all is done, or when Python itself has not begun.
    early = result.returncode in (1, -signal.SIGINT) and "interrupted" not in result.stderr
    good = early or result.returncode in (0, 130)
    trial.check(good, f"exit {result.returncode}: {result.stderr[-2000:]}")


def recording(trial: Trial) -> None:
    """Interrupt a recording, the suite and its workers with it."""
    whole = duration(trial, "recording", _record_once)
    with Origin() as origin:
        with Started(_program(trial.where, origin), trial.where) as started:
            _interrupt(trial, started, whole)
        stored = reported(trial.where / ".recordbake")
        (trial.where / "next.py").write_text(NEXT)
        result = run(trial.where, "record", "--", sys.executable, "next.py", origin.url)
        trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
    _look_at_recording(trial, stored)


def _sample(where: Path) -> None:
    bake(make_sample(where), where / "bake")


#: Command -> its words, of a sample and of a place for what it writes.
_COMMANDS: dict[str, Callable[[Path, Path], list[object]]] = {
    "bake": lambda sample, out: ["bake", "--recording", sample / "recording", "--out", out],
    "verify": lambda sample, _: ["verify", sample / "bake"],
    "unpack": lambda sample, out: ["unpack", sample / "bake", "--to", out],
    "merge": lambda sample, out: ["merge", sample / "recording", "--into", out],
    "audit": lambda sample, out: ["audit", "--recording", sample / "recording", "--out", out],
    "show": lambda sample, _: ["show", "--recording", sample / "recording"],
    "push": lambda sample, out: ["push", sample / "bake", out.as_uri()],
    "pull": lambda sample, out: ["pull", (sample / "bake").as_uri(), "--to", out],
    "config": lambda _, __: ["config"],
}


def _any_other(name: str) -> Callable[[Trial], None]:
    def inject(trial: Trial) -> None:
        sample, out = trial.shared("interrupted", _sample), trial.where / "out"
        words = _COMMANDS[name](sample, out)

        def once(where: Path) -> None:
            result = run(where, *_COMMANDS[name](sample, where / "out"))
            assert result.returncode == 0, result.stderr

        whole = duration(trial, f"interrupted {name}", once)
        with Started(command(*words), trial.where) as started:
            _interrupt(trial, started, whole)
        if (out / "manifest.json").exists() and name in ("bake", "pull"):
            result = run(trial.where, "verify", out)
            trial.check(result.returncode == 0, f"half-written: {result.stderr[-2000:]}")
        if name == "merge" and out.exists():
            result = run(trial.where, "show", "--recording", out)
            trial.check(result.returncode == 0, f"half-written: {result.stderr[-2000:]}")
            return
        result = run(trial.where, *words)
        trial.check(result.returncode == 0, f"the next run: {result.stderr[-2000:]}")
        litter(trial)

    return inject


FAULTS = [
    Fault("Errors for people", "Ctrl-C while recording", recording, 40, 2),
    *(
        Fault("Errors for people", f"Ctrl-C during {name}", _any_other(name), 20, 1)
        for name in _COMMANDS
    ),
]
