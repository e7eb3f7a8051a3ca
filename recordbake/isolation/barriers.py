"""Which barriers this system offers, found out by trying, and which one a run gets."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from recordbake.errors import IsolationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from recordbake.isolation.supervisor import Refusal

SECCOMP, NAMESPACE, PROCESS = "seccomp", "namespace", "process"

#: What a probe tries: TEST-NET-1 (RFC 5737) must be out of reach, loopback must not. Connecting a
#: UDP socket sends nothing. Then it looks this machine's own name up, without name servers.
_PROBE = """\
import socket
for host in ("192.0.2.1", "127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        print(s.connect_ex((host, 9)))
try:
    found = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname().encode(), None)}
except OSError:
    found = ()
print(*sorted(found))
"""
_SECONDS = 30
_NAMES = {number: name for name, number in vars(errno).items() if name.startswith("E")}

_REMEDIES = {
    SECCOMP: "use Linux 5.5 or later on x86-64 or aarch64; in a container, allow the seccomp "
    "system call (Docker's and Podman's default profiles do); do not nest strict replays",
    NAMESPACE: "allow user namespaces: on Ubuntu 24.04 and GitHub runners "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0; in Docker, --security-opt "
    "seccomp=unconfined or --cap-add SYS_ADMIN",
    PROCESS: "",
}


class Availability(NamedTuple):
    """Whether a barrier can be had here.

    Args:
        name: ``seccomp``, ``namespace`` or ``process``.
        ok: whether it held when it was tried.
        reason: why not, or what it holds.
        remedy: what to change where it is not ``ok``.
        own_addresses: addresses of this machine's own name, as found behind the barrier.
    """

    name: str
    ok: bool
    reason: str
    remedy: str = ""
    own_addresses: tuple[str, ...] = ()


class Barrier(NamedTuple):
    """What holds a strict run back.

    Args:
        name: as the journal, the summary and the report show it.
        reason: why it is not a stronger one; empty if there is nothing to say.
        own_addresses: addresses of this machine's own name; None where nobody has looked.
    """

    name: str
    reason: str = ""
    own_addresses: tuple[str, ...] | None = None

    @property
    def filters(self) -> bool:
        """Whether calls are filtered by address."""
        return SECCOMP in self.name

    @property
    def unshares(self) -> bool:
        """Whether the command gets a network namespace of its own."""
        return NAMESPACE in self.name

    @property
    def is_kernel(self) -> bool:
        """Whether it holds whatever a process is written in."""
        return self.filters or self.unshares


#: Of a run that is meant to go out: recording, and a replay that is not strict.
NONE = Barrier("none")


def available() -> list[Availability]:
    """Every barrier, strongest choice of ``auto`` first, tried here and now."""
    return [_try_seccomp(), _try_namespace(), _process()]


def choose(wanted: str) -> Barrier:
    """The barrier of a strict run.

    Args:
        wanted: ``auto``, ``kernel`` or the name of a barrier.

    Raises:
        IsolationError: it cannot be had here.
    """
    if wanted == PROCESS:
        return Barrier(PROCESS, "it was asked for")
    if wanted == NAMESPACE:
        return _in_namespace()
    filtered = _try_seccomp()
    if filtered.ok:
        return Barrier(SECCOMP, own_addresses=filtered.own_addresses)
    if wanted == SECCOMP:
        raise _refusal(wanted, [filtered])
    unshared = _try_namespace()
    if unshared.ok:
        return Barrier(NAMESPACE, f"{SECCOMP} is not available: {filtered.reason}")
    if wanted == "auto":
        return Barrier(PROCESS, f"{SECCOMP}: {filtered.reason}; {NAMESPACE}: {unshared.reason}")
    raise _refusal(wanted, [filtered, unshared])


def _in_namespace() -> Barrier:
    """The namespace, and the filter in it where possible: it tells who tried to get out."""
    unshared = _try_namespace()
    if not unshared.ok:
        raise _refusal(NAMESPACE, [unshared])
    filtered = _try_seccomp()
    if filtered.ok:
        return Barrier(f"{NAMESPACE}+{SECCOMP}", own_addresses=filtered.own_addresses)
    return Barrier(NAMESPACE, f"attempts to get out are not reported: {filtered.reason}")


def _refusal(wanted: str, tried: list[Availability]) -> IsolationError:
    reasons = "; ".join(f"{found.name}: {found.reason}" for found in tried)
    remedies = "; or ".join(found.remedy for found in tried)
    return IsolationError(
        f"the command was not run: there is no kernel barrier here ({reasons})",
        where=f"--isolation {wanted}",
        next_step=f"{remedies}; or run without a network and give --isolation process",
    )


def _process() -> Availability:
    return Availability(PROCESS, ok=True, reason="holds what Python's own sockets let out")


def _try_seccomp() -> Availability:
    from recordbake.isolation import seccomp
    from recordbake.isolation.addresses import Policy

    def ignore(_: Refusal) -> None:
        """A probe's own attempt."""

    def run() -> str:
        process, supervisor = seccomp.start(_start_probe, Policy(()), ignore)
        try:
            return process.communicate(timeout=_SECONDS)[0]
        finally:
            process.kill()
            supervisor.close()

    return _judge(SECCOMP, "holds all but loopback, Unix sockets and ignore_hosts", run)


def _try_namespace() -> Availability:
    from recordbake.isolation import namespace

    def run() -> str:
        process = _start_probe(namespace.enter)
        try:
            return process.communicate(timeout=_SECONDS)[0]
        finally:
            process.kill()

    return _judge(NAMESPACE, "holds all; this machine's loopback services are out of reach", run)


def _start_probe(before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROBE],
        preexec_fn=before,  # noqa: PLW1509  # it takes nothing that another thread may hold
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _judge(name: str, holds: str, run: Callable[[], str]) -> Availability:
    if not sys.platform.startswith("linux"):
        return Availability(name, ok=False, reason="only Linux has it")
    try:
        outside, loopback, own = run().split("\n")[:3]
    except OSError as error:
        reason = _explain(error)
    except subprocess.SubprocessError:
        reason = "the system does not let this user make one"
    except ValueError:
        reason = "a process behind it could not be run"
    else:
        if outside == "0":
            reason = "it was set up, but did not hold"
        elif loopback != "0":
            reason = f"behind it loopback cannot be reached ({os.strerror(int(loopback))})"
        else:
            return Availability(name, ok=True, reason=holds, own_addresses=tuple(own.split()))
    return Availability(name, ok=False, reason=reason, remedy=_REMEDIES[name])


def _explain(error: OSError) -> str:
    number = error.errno or 0
    known = {
        errno.EBUSY: "a supervisor is at work already: this is run inside another strict replay",
        errno.EINVAL: "the kernel does not know it",
    }
    return f"{known.get(number, error.strerror or str(error))} ({_NAMES.get(number, number)})"
