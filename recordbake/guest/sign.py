"""Shows the runner which test runs here, for what only the kernel sees, and for who looks on."""

from __future__ import annotations

import os

from . import attribution
from .config import STRICT
from .descriptors import open_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUFFIX = ".test"
_put_up: list[str] = []


def put_up(settings: dict[str, Any]) -> None:
    """Show this process's tests, once, where a kernel barrier may ask for them, or a display.

    Args:
        settings: the handover's dictionary.
    """
    held = settings["barrier"] != "process" and settings["mode"] == STRICT
    if (held or settings["shows_tests"]) and not _put_up:
        _put_up.append(settings["shards"])
        attribution.show_with(Sign(settings["shards"]).show)


class Sign:
    """A small file with the running test's phase and name, one line each.

    Args:
        directory: the run's shard directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._opened = (0, -1)  # process, descriptor

    def show(self, test: str, phase: str) -> None:
        """Replace what is shown; empty for no test. A full disk is nothing to stop for."""
        process, descriptor = self._opened
        try:
            if process != os.getpid():
                path = f"{self._directory}/{os.getpid()}{SUFFIX}"
                descriptor = open_file(path, os.O_WRONLY | os.O_CREAT)
                self._opened = (os.getpid(), descriptor)
            os.pwrite(descriptor, f"{phase}\n{test!a}\n".encode("ascii"), 0)
        except OSError:
            pass
