"""Processes and what they cost: both sides of a ratio take turns, so that a busy machine hits both."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one process cost: seconds of CPU (its children's included) and wall, peak in bytes."""

    cpu: float
    wall: float
    peak: int
    output: str

    def figure(self, name: str) -> float:
        """A figure that the process printed as a member of its last line's JSON object."""
        return float(json.loads(self.output.splitlines()[-1])[name])


def cost(command: Sequence[object], *, env: Mapping[str, str], cwd: Path | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), env=env, cwd=cwd, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            said = err.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command} ended with {process.returncode}: {said}")
        return Cost(
            usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, out.read().decode()
        )


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Figures of each side, taken in turn; every other round in the opposite order."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for n in range(rounds):
        for name in list(sides)[:: 1 if n % 2 else -1]:
            found[name].append(sides[name]())
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The ratio of the medians."""
    return statistics.median(ours) / statistics.median(theirs)
