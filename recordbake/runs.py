"""A run's life: created and locked, merged and described when it ends, or by the next command."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake import __version__, from_audit, hub_cache, leftovers, seen_secrets
from recordbake.console import note
from recordbake.errors import DamagedError
from recordbake.files import naming, read_small, write_atomically
from recordbake.guest.known_secrets import Secrets, named_secrets
from recordbake.journal import Outcomes, bounded_lines, journal_lines, outcomes_of_tests
from recordbake.locks import recording_lock, try_lock
from recordbake.merge import forget_merge, incomplete, merge_entries
from recordbake.recording import Recording, Run
from recordbake.strangers import refuse_strangers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


#: Variables that are equal in all jobs of one run of CI, and differ between two; by the
#: documentation of GitHub Actions, GitLab, CircleCI, Buildkite and Jenkins.
_CI_RUN = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "CIRCLE_WORKFLOW_ID", "BUILDKITE_BUILD_ID",
           "BUILD_TAG")  # fmt: skip


def ci_run(environ: Mapping[str, str]) -> str:
    """What names the run of CI that an environment belongs to; empty if there is none."""
    return next((f"{name}={environ[name]}" for name in _CI_RUN if environ.get(name)), "")


_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass
class RunInfo:
    """``run.json``; see docs/reference/formats.md."""

    run: str
    mode: str
    command: list[str]
    started_at: float
    barrier: str = "process"
    missing: bool = False
    authorized: bool = False
    barrier_reason: str = ""
    ended_at: float | None = None
    command_exit_code: int | None = None
    exit_code: int | None = None
    lost: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    incomplete: list[dict[str, Any]] = field(default_factory=list)
    ci_run: str = ""
    v: int = 1
    versions: dict[str, str] = field(
        default_factory=lambda: {"recordbake": __version__, "python": platform.python_version()}
    )

    def write(self, path: Path) -> None:
        """Write atomically."""
        secrets = Secrets(named_secrets(os.environ).values())
        write_atomically(path, secrets.text(json.dumps(vars(self), indent=1)).encode())

    @classmethod
    def read(cls, path: Path) -> RunInfo:
        """Read back.

        Raises:
            OSError, ValueError: missing or damaged.
        """
        try:
            read = cls(**json.loads(read_small(path)))
        except (TypeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(read.mode, str) or not isinstance(read.incomplete, list):
            raise ValueError(f"{path} is not what a run says of itself")  # noqa: TRY004
        return read


@dataclass
class Summary:
    """What a run's journal says, for the verdict and the summary."""

    counts: Counter[str]
    misses: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    damage: list[dict[str, Any]] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    programs: list[dict[str, Any]] = field(default_factory=list)
    #: Tests that are marked to go live, and were skipped.
    not_live: list[str] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Outcomes)
    #: Test -> file (absolute, where pytest knows it) and line (None: not known).
    places: dict[str, tuple[str, int | None]] = field(default_factory=dict)


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


def _events(run: Run) -> Iterator[dict[str, Any]]:
    with run.journal.open("rb") as stream:
        for line in bounded_lines(stream):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event


def merge_journal(run: Run) -> None:
    """Write the run's journal from its shards, in time order."""
    if not run.path.is_dir():
        raise DamagedError(
            "the run's directory was deleted while the command ran, and what it kept with it",
            where=run.path,
            next_step="keep it from what the suite or others clean up, then run it again",
        )
    temporary = run.journal.with_suffix(".part")
    with naming(temporary), temporary.open("wb") as stream:
        stream.writelines(journal_lines(run))
    temporary.replace(run.journal)


def summarise(run: Run) -> Summary:
    """Read a run's journal once."""
    counts: Counter[str] = Counter()
    summary = Summary(counts)
    tests: list[dict[str, Any]] = []
    hits: set[str] = set()
    lists = {"leak": summary.leaks, "gap": summary.gaps, "damage": summary.damage,
             "loss": summary.losses, "program": summary.programs, "test": tests}  # fmt: skip
    for event in _events(run):
        kind = event.get("event")
        if kind == "request":
            outcome = str(event.get("outcome"))
            counts["requests"] += 1
            counts[outcome] += 1
            if outcome in ("forwarded", "blocked"):
                summary.misses.append(event)
            elif outcome == "hit" and event.get("mode") == "record":
                hits.add(str(event.get("key")))
        elif kind == "process_start":
            counts["processes"] += 1
        elif kind in lists:
            lists[kind].append(event)
    counts["leaks"] = len(summary.leaks)
    summary.outcomes = replace(outcomes_of_tests(tests), hits=hits)
    summary.places = {
        str(e.get("test")): (str(e["file"]), e.get("line")) for e in tests if e.get("file")
    }
    counts["tests"] = len(summary.outcomes.ran)
    summary.not_live = sorted(
        {e["test"] for e in tests if e.get("live") and e.get("outcome") == "skipped"}
    )
    return summary


def finish(recording: Recording, run: Run, info: RunInfo) -> Summary:
    """Merge a run that has ended: its journal, and what it recorded; may be repeated.

    Raises:
        RecordbakeError: the recording is busy, damaged or cannot be written; the shards stay.
    """
    merge_journal(run)
    summary = summarise(run)
    if info.mode == "record":
        with recording_lock(recording.path, shared=False):
            captured = merge_entries(
                recording, run, summary.outcomes,
                whole=not info.missing, authorized=info.authorized,
                refetched=from_audit.keys_of(run.path / from_audit.FILE_NAME),
            )  # fmt: skip
            seen = {**os.environ, "HF_HOME": str(run.hf_cache), "HF_TOKEN_PATH": ""}
            seen_secrets.remember(recording.path, seen)
            hub_cache.fold(run.hf_cache, recording.hf_cache)
        info.incomplete = incomplete(captured, summary.outcomes)
    info.lost = not run.complete.exists()
    info.counts = dict(summary.counts)
    info.ended_at = info.ended_at or time.time()
    info.write(run.info)
    shutil.rmtree(run.shards, ignore_errors=True)
    if info.mode == "record" and info.missing:
        with recording_lock(recording.path, shared=False):
            forget_merge(recording, run)
    return summary


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
