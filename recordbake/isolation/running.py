"""Runs a command to its end, behind a barrier or without one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from recordbake.errors import UsageError
from recordbake.guest import attribution
from recordbake.isolation import namespace, seccomp
from recordbake.isolation.addresses import Policy, system_resolvers
from recordbake.isolation.family import Termination, subreaper, tied_to_this
from recordbake.isolation.processes import caller, passes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from recordbake.guest.events import Journal
    from recordbake.isolation.addresses import Destination
    from recordbake.isolation.barriers import Barrier
    from recordbake.isolation.supervisor import Refusal


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
    journal: Journal, signs: Path,
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

    Returns:
        How it ended.

    Raises:
        UsageError: the command cannot be started.
    """
    tie = tied_to_this()

    def before() -> None:
        if barrier.unshares:
            namespace.enter()
        tie()  # afterwards: the kernel forgets it when privileges change

    def spawn() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(command),
            executable=program,
            env=environ,
            preexec_fn=before,  # noqa: PLW1509  # it takes nothing that another thread may hold
        )

    def report(refusal: Refusal) -> None:
        _report(journal, refusal, signs)

    termination = Termination()

    def passes(thread: int, to: Destination) -> bool:
        hosts = passes_of(thread, signs)
        if not hosts or attribution.ANY in hosts:
            return bool(hosts)
        if hosts not in policies:
            policies[hosts] = Policy(hosts, (), system_resolvers())
        return policies[hosts].allows(to)

    policies: dict[frozenset[str], Policy] = {}

    with _interrupts_are_the_commands() as interrupts, termination.handled(), subreaper() as adopts:
        try:
            if not barrier.filters:
                ended = _wait(spawn(), termination, adopts=adopts)
                return ended._replace(interrupted=bool(interrupts))
            policy = Policy(ignore_hosts, barrier.own_addresses or (), system_resolvers())
            process, supervisor = seccomp.start(
                spawn, policy, report, passes if allow_live_tests else None
            )
            try:
                ended = _wait(process, termination, adopts=adopts)
                return ended._replace(interrupted=bool(interrupts))
            finally:
                supervisor.close()
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(
                f"the command cannot be started: {getattr(error, 'strerror', None) or error}",
                where=program,
                next_step="check that the file is a program for this machine",
            ) from error


def _report(journal: Journal, refusal: Refusal, signs: Path) -> None:
    who = caller(refusal.thread, signs)
    with suppress(OSError):  # a full disk: the call is refused all the same
        journal.write(
            "leak",
            host=refusal.to.host,
            port=refusal.to.port,
            what=refusal.what,
            blocked=True,
            barrier="seccomp",
            pid=who.pid,
            process=who.command,
            test=who.test,
            phase=who.phase,
        )


@contextmanager
def _interrupts_are_the_commands() -> Iterator[list[int]]:
    # A handler that only counts, rather than SIG_IGN: the latter would be inherited.
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


def _wait(process: subprocess.Popen[bytes], termination: Termination, *, adopts: bool) -> Ended:
    """How the command ended, once it has; orphans of its own are reaped meanwhile."""
    termination.attach(process)
    while adopts:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_pid == process.pid:
            break
        os.waitpid(ended.si_pid, 0)  # ours since its parent ended
    code = process.wait()
    return Ended(_exit_code(code), tuple(termination.others(code)))


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code
