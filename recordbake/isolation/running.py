"""Runs a command to its end, behind a barrier or without one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from recordbake.errors import UsageError
from recordbake.isolation.family import Termination, subreaper, tied_to_this

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from recordbake.guest.events import Journal
    from recordbake.isolation.barriers import Barrier
    from recordbake.isolation.supervisor import Supervisor

    _Process = tuple[subprocess.Popen[bytes], Supervisor | None]


class Ended(NamedTuple):
    """How a command ended.

    Args:
        code: its exit code; 128 plus the signal's number where a signal ended it.
        going_on: processes that it started and left behind.
        interrupted: the terminal's Ctrl-C came while it ran.
    """

    code: int
    going_on: tuple[int, ...] = ()
    interrupted: bool = False


def execute(  # noqa: PLR0913
    program: str, command: Sequence[str], environ: dict[str, str], *,
    barrier: Barrier, ignore_hosts: Sequence[str], allow_live_tests: bool,
    journal: Journal, signs: Path, meanwhile: Callable[[Sequence[int]], None],
) -> Ended:  # fmt: skip
    """Run to the end; the terminal's Ctrl-C is the command's to handle.

    Args:
        program: path of what is started.
        command: its arguments, its name first.
        environ: its environment.
        barrier: from :func:`recordbake.isolation.barriers.choose`.
        ignore_hosts: what may be reached all the same.
        allow_live_tests: tests that are marked to go live may.
        journal: where refusals are reported, as leaks.
        signs: the directory where hooked processes show which test they run.
        meanwhile: called as soon as the command runs, with the Ctrl-C that have come, a list that
            grows; its own children have ended when it returns.

    Returns:
        How it ended.

    Raises:
        UsageError: the command cannot be started.
    """
    tie, enter = tied_to_this(), _namespace() if barrier.unshares else None

    def before() -> None:
        if enter is not None:
            enter()
        tie()  # afterwards: the kernel forgets it when privileges change

    def spawn() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(command),
            executable=program,
            env=environ,
            preexec_fn=before,  # noqa: PLW1509  # it takes nothing that another thread may hold
        )

    def start() -> _Process:
        if not barrier.filters:
            return spawn(), None
        from recordbake.isolation import filtering

        return filtering.start(
            spawn, barrier=barrier, ignore_hosts=ignore_hosts,
            allow_live_tests=allow_live_tests, journal=journal, signs=signs,
        )  # fmt: skip

    termination = Termination()
    with _interrupts_are_the_commands() as interrupts, termination.handled(), subreaper() as adopts:
        process, supervisor = _started(program, start)
        try:
            ended = _wait(process, termination, lambda: meanwhile(interrupts), adopts=adopts)
            return ended._replace(interrupted=bool(interrupts))
        finally:
            if supervisor is not None:
                supervisor.close()


def _started(program: str, start: Callable[[], _Process]) -> _Process:
    try:
        return start()
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"the command cannot be started: {getattr(error, 'strerror', None) or error}",
            where=program,
            next_step="check that the file is a program for this machine",
        ) from error


def _namespace() -> Callable[[], None]:
    """What enters one: loaded before the fork, between which and exec nothing may be imported."""
    from recordbake.isolation import namespace

    return namespace.enter


@contextmanager
def _interrupts_are_the_commands() -> Iterator[list[int]]:
    # A handler that only counts, rather than SIG_IGN: the latter would be inherited.
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


def _wait(
    process: subprocess.Popen[bytes], termination: Termination, meanwhile: Callable[[], None], *,
    adopts: bool,
) -> Ended:  # fmt: skip
    """How the command ended, once it has; orphans of its own are reaped from when we wait."""
    termination.attach(process)
    meanwhile()
    while adopts:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_pid == process.pid:
            break
        os.waitpid(ended.si_pid, 0)  # ours since its parent ended
    code = process.wait()
    return Ended(_exit_code(code), tuple(termination.others(code)))


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code
