"""The command's processes end when they must: none goes on without the runner, or after a SIGTERM.

Source: prctl(2), PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER; proc(5). Elsewhere than on Linux only
the command itself is told to end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from types import FrameType

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
#: Seconds that processes have between SIGTERM and SIGKILL, and after the command's own end.
_PATIENCE, _MOMENT = 5.0, 0.5


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def tied_to_this() -> Callable[[], None]:
    """What a child does between fork and exec, so that SIGTERM ends it when the runner is gone.

    It counts from the thread that forks: that has to live as long as the runner.
    """
    parent = os.getpid()

    def tie() -> None:
        if _LINUX:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it has died since the fork
                os.kill(os.getpid(), signal.SIGKILL)

    return tie


@contextmanager
def subreaper() -> Iterator[bool]:
    """Orphaned descendants become children of this process; gives whether the system does that.

    So they are found when they have to end. And where Yama restricts ptrace(2), only the memory of
    descendants can be read, and a daemon would not be one any more.
    """
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield _LINUX
    finally:
        if _LINUX:
            _prctl(_PR_SET_CHILD_SUBREAPER, 0)


class Termination:
    """Passes SIGTERM and SIGHUP on to a command, and sees to it that its processes end, too.

    A signal that is ignored, as nohup(1) has it, stays so.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: int | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Take the signals over from here on."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        """This is the command; what came before it had started is passed on now."""
        self._process = process
        if self._sent is not None:
            process.send_signal(self._sent)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            if self._sent is not None:  # somebody gets impatient
                _send(signal.SIGKILL)
        self._sent = number

    def others(self, code: int) -> list[int]:
        """What the command started and left behind: those that go on in spite of it.

        A moment is given to what is about to end. After a signal they have to end, in bounded time.

        Args:
            code: as the command ended; negative for a signal.
        """
        if not _LINUX or _gone_within(_MOMENT):
            return []
        if self._sent is None and code >= 0:
            return descendants(os.getpid())
        _send(self._sent or signal.SIGTERM)
        if not _gone_within(_PATIENCE):
            _send(signal.SIGKILL)
            _gone_within(_PATIENCE)
        return []


def _gone_within(seconds: float) -> bool:
    """Wait for all children; False if some are left."""
    end = time.monotonic() + seconds
    while _reap():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _reap() -> bool:
    """Take the exit codes of children that have ended; whether there are others."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _send(number: int) -> None:
    for pid in descendants(os.getpid()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """The processes that a process and its descendants have started, as far as ``/proc`` shows."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            parent = int(stat.read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
