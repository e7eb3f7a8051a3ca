"""Starts the user's command hooked, collects what its processes wrote, and judges the run."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING

from recordbake import display, environment, interpreter, isolation, leftovers, runs
from recordbake.console import note
from recordbake.errors import UsageError
from recordbake.guest.config import RECORD, STRICT, GuestConfig
from recordbake.guest.events import Journal
from recordbake.job import Job
from recordbake.locks import recording_lock
from recordbake.recording import Recording
from recordbake.run_info import RunInfo, ci_run
from recordbake.workspace import temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recordbake.from_audit import Refetch
    from recordbake.gathering import Gathering
    from recordbake.recording import Run
    from recordbake.settings import Settings


def run_command(  # noqa: PLR0913
    settings: Settings, mode: str, command: Sequence[str], *, missing: bool = False,
    refetch: Refetch | None = None, json_to: str | None = None,
) -> int:  # fmt: skip
    """Run a command in ``record``, ``replay`` or ``replay_strict``.

    Args:
        settings: the settings in force.
        mode: the mode.
        command: program and arguments; the configured one if empty.
        missing: while recording, fetch only what the store does not have.
        refetch: what to fetch all the same, and the tests to run for it.
        json_to: the file that the summary is written to as JSON; ``-`` for standard output.

    Returns:
        The exit code of recordbake (docs/reference/exit-codes.md).

    Raises:
        RecordbakeError: nothing was run, or what was run could not be kept; says what to do.
    """
    environment.ensure_temporary_directory()
    command = list(command) or settings.command
    program = interpreter.resolve(command, os.environ.get("PATH"))
    recording = Recording(settings.recording_path, settings.runs_dir)
    with ExitStack() as stack:
        for run_id in runs.recover(recording):
            note(f"finished {run_id}, which had been killed")
        if mode != RECORD:
            # Missing or damaged: stop before the command starts.
            stack.enter_context(recording_lock(recording.path, shared=True))
            _check(recording)
        elif missing and recording.store.exists():
            _check(recording)
        barrier = isolation.choose(settings.isolation) if mode == STRICT else isolation.NONE
        if barrier.reason and settings.isolation != barrier.name:
            note(f"barrier: {barrier.name} ({barrier.reason})")
        if settings.allow_live_tests and barrier.unshares:
            raise UsageError(
                "behind a network namespace no test can go live",
                where="allow_live_tests",
                next_step="give --isolation seccomp, or --no-allow-live-tests",
            )
        recording = runs.writable_runs_dir(recording)
        job = Job(
            settings, mode, command, program, recording, barrier, display.how(settings.progress),
            missing=missing, refetch=refetch, json_to=json_to,
        )  # fmt: skip
        return _Running(job).run(stack)


def _check(recording: Recording) -> None:
    from recordbake import checked, store

    store.settle(recording.store)
    checked.check_once(recording.store)


class _Running:
    """One run; only :func:`run_command` makes it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.run_dir: Run
        self.info: RunInfo
        self.work_name = ""
        self.gathered: Gathering | None = None
        self.going_on: tuple[int, ...] = ()
        self.interrupted = False

    def run(self, stack: ExitStack) -> int:
        job = self.job
        self.run_dir, lock = runs.create(job.recording, job.mode)
        stack.callback(os.close, lock)
        work = stack.enter_context(temporary("run", self._in_use))
        self.work_name = work.name
        authorized = job.is_authorized()
        config = job.config(self.run_dir)
        self.info = RunInfo(
            self.run_dir.id, job.mode, job.command, time.time(), job.barrier.name,
            missing=job.missing, authorized=authorized, barrier_reason=job.barrier.reason,
            ci_run=ci_run(os.environ),
        )  # fmt: skip
        try:
            environ = job.environment(self.run_dir, work, config)
            environment.set_token(environ, recorded=authorized, strict=job.mode == STRICT)
            # Before the command where something could go live unseen; else beside it.
            trial = None if job.mode == RECORD else self._trial(environ)
            self.info.write(self.run_dir.info)
            if trial is not None:
                self._await(trial, config)
            # While the store is read nobody may change it; a replay holds it from the start.
            with (
                recording_lock(job.recording.path, shared=True) if job.missing else nullcontext(),
                display.showing(job.display, job.mode, self.run_dir.shards),
            ):
                ended = isolation.execute(
                    job.program, job.command, environ, barrier=job.barrier,
                    ignore_hosts=job.settings.ignore_hosts,
                    allow_live_tests=job.settings.allow_live_tests,
                    journal=Journal(config.as_settings()),
                    signs=self.run_dir.shards,
                    meanwhile=lambda interrupts: self._meanwhile(environ, config, interrupts),
                )  # fmt: skip
        except UsageError:  # nothing was run, so there is no run to keep
            shutil.rmtree(self.run_dir.path, ignore_errors=True)
            raise
        finally:
            if self.gathered is not None:
                self.gathered.end()
        from recordbake import finishing, github, judging, summary

        self.info.ended_at = time.time()
        self.info.command_exit_code, self.going_on, self.interrupted = ended
        if self.going_on:
            note(
                f"{len(self.going_on)} processes go on after the command has ended (process "
                f"{self.going_on[0]}): what they ask for from now on is not kept"
            )
        found = finishing.finish(
            job.recording, self.run_dir, self.info, self.gathered,
            lambda found: judging.exit_code(
                self.info, found, job.settings,
                interrupted=self.interrupted, held=job.barrier.is_kernel,
            ),
        )  # fmt: skip
        summary.show(self.info, found, self.run_dir)
        github.tell(self.info, found)
        if job.json_to is not None:
            summary.write_json(job.json_to, self.info, found, self.run_dir)
        assert self.info.exit_code is not None  # it was judged
        return self.info.exit_code

    def _in_use(self, directory: Path) -> bool:
        """Whether hooked processes still import from a run's hook."""
        ours = directory.name == self.work_name
        return (not ours or bool(self.going_on)) and leftovers.in_use(directory)

    def _meanwhile(
        self, environ: dict[str, str], config: GuestConfig, interrupts: Sequence[int]
    ) -> None:
        """What is done while the command runs."""
        if self.job.mode == RECORD:
            self._await(self._trial(environ), config, interrupts)
            from recordbake.gathering import Gathering

            self.gathered = Gathering(self.run_dir.shards)
            self.gathered.begin()

    def _trial(self, environ: dict[str, str]) -> Callable[[], interpreter.Examined]:
        return interpreter.begin(self.job.program, self.job.command[1:], environ)

    def _await(
        self, trial: Callable[[], interpreter.Examined], config: GuestConfig,
        interrupts: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Wait for the trial of the interpreter; meanwhile what the run's end takes is loaded."""
        from recordbake import finishing, github, judging, summary  # noqa: F401

        found = trial()
        if not interrupts:  # the terminal's Ctrl-C ends the trial, too, which then says nothing
            self._judge_interpreter(found, config)

    def _judge_interpreter(self, found: interpreter.Examined, config: GuestConfig) -> None:
        """Refuse, or journal as a gap, an interpreter that cannot be hooked."""
        if found.hooked is not False:
            return
        what = f"{found.interpreter} cannot be hooked: {found.reason}"
        if self.job.mode == STRICT:
            raise UsageError(
                what, where=shlex.join(self.job.command),
                next_step="run the command with CPython 3.10 or later, without -I, -E and -S",
            )  # fmt: skip
        note(what, failed=True)
        Journal(config.as_settings()).write(
            "gap", test=None, python="", executable=found.interpreter, reason=found.reason
        )
