"""Starting recordbake, killing it and its family, and finding who is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.cli import clean_environ

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
#: Seconds after which a command hangs.
LIMIT = 120


def environ(where: Path, **extra: str) -> dict[str, str]:
    """Variables with a temporary directory of the trial's own, so that litter is seen."""
    temporary = where / "tmp"
    temporary.mkdir(exist_ok=True)
    return clean_environ(**(CAPTURE | {"TMPDIR": str(temporary)} | extra))


def command(*arguments: object) -> list[str]:
    """``recordbake ARGUMENTS``."""
    return [sys.executable, "-m", "recordbake", *map(str, arguments)]


def run(
    where: Path, *arguments: object, limit: float = LIMIT,
    through: Callable[[list[str]], list[str]] = list, **extra: str,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run recordbake to its end in ``where``, by way of another command where given.

    Raises:
        TimeoutExpired: it hangs; all it started is killed.
    """
    with Started(through(command(*arguments)), where, **extra) as started:
        return started.end(limit)


@dataclass
class _Process:
    pid: int
    parent: int
    session: int
    state: str


def _all() -> list[_Process]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            found.append(_Process(int(path.parent.name), int(fields[1]), int(fields[3]), fields[0]))
    return found


class Started:
    """A command in a session of its own; all of that ends with it.

    Args:
        words: the command.
        where: its working directory, where ``stdout`` and ``stderr`` go.
        extra: more variables.
    """

    def __init__(self, words: list[str], where: Path, **extra: str) -> None:
        self._words = words
        self._out, self._err = (where / "stdout").open("w+"), (where / "stderr").open("w+")
        self.process = subprocess.Popen(
            words, cwd=where, env=environ(where, **extra), stdin=subprocess.DEVNULL,
            stdout=self._out, stderr=self._err, start_new_session=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._out.close()
        self._err.close()

    def members(self) -> list[int]:
        """The processes of its session that are alive, itself included."""
        return [
            p.pid for p in _all() if p.session == self.process.pid and p.state not in "ZX"
        ]  # fmt: skip

    def below(self) -> list[int]:
        """Those of them that are not the command itself."""
        return [pid for pid in self.members() if pid != self.process.pid]

    def kill(self, pid: int) -> None:
        """SIGKILL, which may come too late."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """SIGKILL to the process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self, limit: float = LIMIT) -> subprocess.CompletedProcess[str]:
        """Wait for the end.

        Raises:
            TimeoutExpired: it hangs.
        """
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired as error:
            error.stderr = self.stderr().encode()
            raise
        return subprocess.CompletedProcess(self._words, code, self._read("_out"), self.stderr())

    def _read(self, name: str) -> str:
        stream = getattr(self, name)
        stream.flush()
        return Path(stream.name).read_text(errors="replace")

    def stderr(self) -> str:
        """What it has written to standard error."""
        return self._read("_err")

    def alone(self, limit: float = 30) -> bool:
        """Wait until nothing of the session is left; False if something goes on."""
        self.process.wait(limit)
        return until(lambda: not self.members(), limit)


def until(condition: Callable[[], object], limit: float) -> bool:
    """Wait for a condition; False if it does not come."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


#: A frame of a traceback that is in recordbake, the hook included.
_OURS = re.compile(r'^  File ".*/(_recordbake_guest|recordbake)/[^"]*", line', re.MULTILINE)


def sound(result: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with how a command of recordbake ended: "" if it ended as it should."""
    if "Traceback" in result.stderr and _OURS.search(result.stderr):
        return f"a traceback: {result.stderr[-3000:]}"
    refused = result.returncode == 12 and "damaged:" not in result.stderr
    if refused and not all(word in result.stderr for word in ("error:", "where:", "next:")):
        return f"exit 12 without what, where and next: {result.stderr[-3000:]}"
    return ""
