"""Starts a command behind the filter by address; loaded for no other command."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from recordbake.guest import attribution
from recordbake.isolation import seccomp
from recordbake.isolation.addresses import Policy, system_resolvers
from recordbake.isolation.processes import caller, passes_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recordbake.guest.events import Journal
    from recordbake.isolation.addresses import Destination
    from recordbake.isolation.barriers import Barrier
    from recordbake.isolation.supervisor import Refusal, Supervisor


def start(  # noqa: PLR0913
    spawn: Callable[[], subprocess.Popen[bytes]], *, barrier: Barrier,
    ignore_hosts: Sequence[str], allow_live_tests: bool, journal: Journal, signs: Path,
) -> tuple[subprocess.Popen[bytes], Supervisor]:  # fmt: skip
    """Start a command behind the filter.

    Args:
        spawn: starts it.
        barrier: what it runs behind.
        ignore_hosts: what may be reached all the same.
        allow_live_tests: tests that are marked to go live may.
        journal: where refusals are reported, as leaks.
        signs: the directory where hooked processes show which test they run.

    Returns:
        The command, and what supervises it, to be closed.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be started.
    """
    policies: dict[frozenset[str], Policy] = {}

    def report(refusal: Refusal) -> None:
        _report(journal, refusal, signs)

    def passes(thread: int, to: Destination) -> bool:
        hosts = passes_of(thread, signs)
        if not hosts or attribution.ANY in hosts:
            return bool(hosts)
        if hosts not in policies:
            policies[hosts] = Policy(hosts, (), system_resolvers())
        return policies[hosts].allows(to)

    policy = Policy(ignore_hosts, barrier.own_addresses or (), system_resolvers())
    return seccomp.start(spawn, policy, report, passes if allow_live_tests else None)


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
