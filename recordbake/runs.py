"""A run's life: created and locked; the next command finds what was killed.

What happens at its end is in :mod:`recordbake.finishing`, which is loaded for that.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from recordbake import leftovers
from recordbake.console import note
from recordbake.errors import DamagedError
from recordbake.locks import try_lock
from recordbake.recording import Recording, Run
from recordbake.run_info import RunInfo
from recordbake.strangers import refuse_strangers

_STAMP = "%Y%m%dT%H%M%S.%fZ"


def writable_runs_dir(recording: Recording) -> Recording:
    """The recording, with its runs in a temporary directory if its own cannot be written."""
    try:
        recording.runs_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=recording.runs_dir):
            return recording
    except OSError:
        return Recording(recording.path, Path(tempfile.mkdtemp(prefix="recordbake-runs-")))


def _after(run_id: str, stamp: str) -> str:
    """The next stamp after a run's, so that the order of names is that of runs."""
    try:
        last = datetime.strptime(run_id.partition("-")[0], _STAMP)  # noqa: DTZ007  # it is UTC
        return (last + timedelta(microseconds=1)).strftime(_STAMP)
    except (ValueError, OverflowError):
        return stamp  # not a name of ours


def create(recording: Recording, mode: str) -> tuple[Run, int]:
    """Make a new run's directory and mark it as alive.

    Returns:
        The run, and the lock's descriptor: the run is alive as long as it is open.
    """
    stamp = datetime.now(timezone.utc).strftime(_STAMP)
    latest = recording.runs()[-1:]
    if latest and latest[0].id >= stamp:  # the clock was set back
        stamp = _after(latest[0].id, stamp)
    run = Run(recording.runs_dir / f"{stamp}-{mode}-{os.urandom(2).hex()}")
    run.path.mkdir(parents=True)
    descriptor = try_lock(run.path / ".lock")
    assert descriptor is not None  # the name is new
    run.shards.mkdir()
    run.complete.touch()
    return run, descriptor


def recover(recording: Recording) -> list[str]:
    """Finish the runs whose runner was killed.

    Returns:
        Their identifiers.

    Raises:
        DamagedError: the recording has something that leads out of it.
    """
    refuse_strangers(recording)
    recovered = []
    for run in recording.runs():
        if not run.shards.is_dir():
            continue
        from recordbake.finishing import finish

        try:
            descriptor = try_lock(run.path / ".lock")
        except OSError:
            continue  # somebody else's, or read-only
        if descriptor is None:
            continue  # it is alive
        try:
            if going_on := leftovers.users(run.shards):
                note(
                    f"{run.id} was killed, and {len(going_on)} of its processes go on (process "
                    f"{going_on[0]}): it is finished by the next command after they have ended"
                )
                continue
            finish(recording, run, _info_of(run))
            recovered.append(run.id)
        except DamagedError as error:
            note(f"{run.id} was killed and cannot be finished; it is left as it is: {error}")
        finally:
            os.close(descriptor)
    return recovered


def _info_of(run: Run) -> RunInfo:
    try:
        return RunInfo.read(run.info)
    except (OSError, ValueError):
        mode = next((m for m in ("replay_strict", "replay") if f"-{m}-" in run.id), "record")
        return RunInfo(run.id, mode, [], run.path.stat().st_ctime)
