"""Starts the user's command hooked, collects what its processes wrote, and judges the run."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake import display, environment, hook_dir, interpreter, isolation, leftovers, runs
from recordbake.console import note
from recordbake.errors import (
    EXIT_DAMAGED,
    EXIT_INCOMPLETE,
    EXIT_INTERRUPTED,
    EXIT_LIVE_MISS,
    EXIT_OK,
    UsageError,
)
from recordbake.guest.config import RECORD, STRICT, GuestConfig
from recordbake.guest.events import Journal
from recordbake.locks import recording_lock
from recordbake.recording import Recording
from recordbake.run_info import RunInfo, ci_run
from recordbake.workspace import temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recordbake.from_audit import Refetch
    from recordbake.gathering import Gathering
    from recordbake.isolation import Barrier
    from recordbake.recording import Run
    from recordbake.run_summary import Summary
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
        running = _Running(
            settings,
            mode,
            command,
            program,
            recording,
            barrier=barrier,
            missing=missing,
            refetch=refetch,
            json_to=json_to,
        )
        return running.run(stack)


def _check(recording: Recording) -> None:
    from recordbake import checked, store

    store.settle(recording.store)
    checked.check_once(recording.store)


class _Running:
    """One run; only :func:`run_command` makes it."""

    def __init__(  # noqa: PLR0913
        self, settings: Settings, mode: str, command: list[str], program: str,
        recording: Recording, *, barrier: Barrier, missing: bool, refetch: Refetch | None,
        json_to: str | None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.mode = mode
        self.command = command
        self.program = program
        self.recording = recording
        self.barrier = barrier
        self.missing = missing
        self.refetch = refetch
        self.json_to = json_to
        self.display = display.how(settings.progress)
        self.run_dir: Run
        self.info: RunInfo
        self.work_name = ""
        self.gathered: Gathering | None = None
        self.going_on: tuple[int, ...] = ()
        self.interrupted = False

    def run(self, stack: ExitStack) -> int:
        self.run_dir, lock = runs.create(self.recording, self.mode)
        stack.callback(os.close, lock)
        work = stack.enter_context(temporary("run", self._in_use))
        self.work_name = work.name
        authorized = self._is_authorized()
        config = self._config()
        self.info = RunInfo(
            self.run_dir.id, self.mode, self.command, time.time(), self.barrier.name,
            missing=self.missing, authorized=authorized, barrier_reason=self.barrier.reason,
            ci_run=ci_run(os.environ),
        )  # fmt: skip
        try:
            environ = self._environment(work, config)
            environment.set_token(environ, recorded=authorized, strict=self.mode == STRICT)
            # Before the command where something could go live unseen; else beside it.
            trial = None if self.mode == RECORD else self._trial(environ)
            self.info.write(self.run_dir.info)
            if trial is not None:
                self._await(trial, config)
            # While the store is read nobody may change it; a replay holds it from the start.
            with (
                recording_lock(self.recording.path, shared=True) if self.missing else nullcontext(),
                display.showing(self.display, self.mode, self.run_dir.shards),
            ):
                ended = isolation.execute(
                    self.program, self.command, environ, barrier=self.barrier,
                    ignore_hosts=self.settings.ignore_hosts,
                    allow_live_tests=self.settings.allow_live_tests,
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
        from recordbake import finishing, github, summary

        self.info.ended_at = time.time()
        self.info.command_exit_code, self.going_on, self.interrupted = ended
        if self.going_on:
            note(
                f"{len(self.going_on)} processes go on after the command has ended (process "
                f"{self.going_on[0]}): what they ask for from now on is not kept"
            )
        found = finishing.finish(
            self.recording, self.run_dir, self.info, self.gathered, self._judge
        )
        summary.show(self.info, found, self.run_dir)
        github.tell(self.info, found)
        if self.json_to is not None:
            summary.write_json(self.json_to, self.info, found, self.run_dir)
        assert self.info.exit_code is not None  # it was judged
        return self.info.exit_code

    def _in_use(self, directory: Path) -> bool:
        """Whether hooked processes still import from a run's hook."""
        ours = directory.name == self.work_name
        return (not ours or bool(self.going_on)) and leftovers.in_use(directory)

    def _is_authorized(self) -> bool:
        """Whether the recording has, or will have, what a Hub token brings."""
        if self.mode == RECORD:
            return environment.has_token(os.environ)
        from recordbake import store

        return store.recorded_with_token(self.recording.store)

    def _config(self) -> GuestConfig:
        settings = self.settings
        reads = self.mode != RECORD or self.missing
        store_file = self.recording.store.resolve()
        return GuestConfig(
            mode=self.mode,
            run=self.run_dir.id,
            shards=str(self.run_dir.shards.resolve()),
            store=str(store_file) if reads and store_file.exists() else "",
            missing=self.missing,
            refetch=self._refetch_file(),
            capture_loopback=settings.capture_loopback,
            capture_ports=tuple(settings.capture_ports),
            ignore_hosts=tuple(settings.ignore_hosts),
            volatile_parameters=tuple(settings.volatile_parameters),
            retry_statuses=tuple(settings.retry_statuses),
            retry_max_wait=settings.retry_max_wait,
            record_command=self._recording_of(self.command),
            record_test_command=self._recording_of(interpreter.pytest_prefix(self.command)),
            strict_tests=settings.strict_tests,
            allow_live_tests=settings.allow_live_tests,
            shows_tests=self.display != display.NONE,
            barrier=self.barrier.name,
            own_addresses=self.barrier.own_addresses,
        )

    def _refetch_file(self) -> str:
        if self.refetch is None:
            return ""
        from recordbake.from_audit import FILE_NAME

        path = self.run_dir.path / FILE_NAME
        self.refetch.write(path)
        return str(path.resolve())

    def _recording_of(self, command: list[str]) -> str:
        """What adds to the recording (not to a bake made of it) what a command misses."""
        if not command:
            return ""
        where = []
        if self.settings.recording != Path(".recordbake") and not self.recording.manifest.exists():
            where = ["--recording", str(self.settings.recording)]
        return shlex.join(["recordbake", "record", "--missing", *where, "--", *command])

    def _environment(self, work: Path, config: GuestConfig) -> dict[str, str]:
        hook, caches = work / "hook", work / "cache"
        hook.mkdir()
        caches.mkdir()
        hook_dir.build(hook, config)
        hf_home = self.run_dir.hf_cache.resolve() if self.mode == RECORD else work / "hf_cache"
        if self.mode != RECORD and self.settings.hub_cache == "warm":
            from recordbake import hub_cache

            hub_cache.view(self.recording.hf_cache, hf_home)
        hf_home.mkdir(parents=True, exist_ok=True)
        for name in environment.OFFLINE_SWITCHES:
            if os.environ.get(name):
                note(f"{name} is not passed on: the recording answers in its place")
        return environment.command_environment(
            os.environ, hook=hook, hf_home=hf_home, cache_home=caches,
            disk_caches=self.settings.disk_caches,
        )  # fmt: skip

    def _meanwhile(
        self, environ: dict[str, str], config: GuestConfig, interrupts: Sequence[int]
    ) -> None:
        """What is done while the command runs."""
        if self.mode == RECORD:
            self._await(self._trial(environ), config, interrupts)
            from recordbake.gathering import Gathering

            self.gathered = Gathering(self.run_dir.shards)
            self.gathered.begin()

    def _trial(self, environ: dict[str, str]) -> Callable[[], interpreter.Examined]:
        return interpreter.begin(self.program, self.command[1:], environ)

    def _await(
        self, trial: Callable[[], interpreter.Examined], config: GuestConfig,
        interrupts: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Wait for the trial of the interpreter; meanwhile what the run's end takes is loaded."""
        from recordbake import finishing, github, summary  # noqa: F401

        found = trial()
        if not interrupts:  # the terminal's Ctrl-C ends the trial, too, which then says nothing
            self._judge_interpreter(found, config)

    def _judge_interpreter(self, found: interpreter.Examined, config: GuestConfig) -> None:
        """Refuse, or journal as a gap, an interpreter that cannot be hooked."""
        if found.hooked is not False:
            return
        what = f"{found.interpreter} cannot be hooked: {found.reason}"
        if self.mode == STRICT:
            raise UsageError(
                what, where=shlex.join(self.command),
                next_step="run the command with CPython 3.10 or later, without -I, -E and -S",
            )  # fmt: skip
        note(what, failed=True)
        Journal(config.as_settings()).write(
            "gap", test=None, python="", executable=found.interpreter, reason=found.reason
        )

    def _judge(self, found: Summary) -> int:
        """The exit code; damage and misses come before the failure that they are a cause of."""
        strict = self.mode == STRICT
        if self.interrupted and self.info.command_exit_code:
            return EXIT_INTERRUPTED
        if found.damage:
            return EXIT_DAMAGED
        if strict and (found.misses or found.leaks):
            return EXIT_LIVE_MISS
        if self.info.command_exit_code:
            return self.info.command_exit_code
        if strict and (self._gaps(found) or not found.counts["processes"]):
            return EXIT_LIVE_MISS
        bad_answers = self.info.incomplete and not self.settings.allow_errors
        unhooked = any(gap.get("hooked") is False for gap in found.gaps)
        incomplete = self.mode == RECORD and (bad_answers or unhooked)
        return EXIT_INCOMPLETE if incomplete or self.info.lost else EXIT_OK

    def _gaps(self, found: Summary) -> list[dict[str, Any]]:
        """What was neither hooked nor held, or not known and not accepted by configuration."""
        if self.settings.untested_clients:
            gaps = [gap for gap in found.gaps if not gap.get("hooked")]
        else:
            gaps = found.gaps
        held = self.barrier.is_kernel  # a process that was not hooked could not get out either
        return [gap for gap in gaps if not held or gap.get("client")]
