"""A terminal of a test's own, and what a program writes to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from typing import TYPE_CHECKING

from tests.support.cli import clean_environ

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60  # until a test gives up


class Terminal:
    """Runs a command with a terminal as its standard streams.

    Args:
        command: program and arguments.
        cwd: where.
        env: further variables; NO_COLOR is not set.
        stdout: where standard output goes, if not to the terminal.
    """

    def __init__(self, command, cwd: Path, env=None, stdout=None) -> None:
        environ = clean_environ(TERM="xterm-256color", COLUMNS="120", LINES="40")
        del environ["NO_COLOR"]
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env=environ | (env or {}), stdin=slave,
            stdout=slave if stdout is None else stdout, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def read_until(self, pattern: str) -> str:
        """What has been written when it contains a pattern."""
        end = time.monotonic() + SECONDS
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern!r} in {self.text!r}"
            if not self._read():
                raise AssertionError(f"ended without {pattern!r}: {self.text!r}")
        return self.text

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.5)[0]:
            return True
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: nobody has it open any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def finish(self) -> tuple[int, str]:
        """Exit code and all that was written."""
        while self._read():
            pass
        code = self.process.wait(SECONDS)
        os.close(self._master)
        return code, self.text.replace("\r\n", "\n")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
