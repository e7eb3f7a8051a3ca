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
        sign = Sign(settings["shards"])
        attribution.show_with(sign.show)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=sign.show_again)


class Sign:
    """A small file with the running test's phase, name and hosts, one line each.

    Args:
        directory: the run's shard directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._opened = (0, -1)  # process, descriptor

    def show_again(self) -> None:
        """In a forked child of a test that may go out, which is as free as its parent."""
        held = attribution.cause()
        if held is not None and held[0].passes:
            self.show(held[0].name, held[1], held[0].passes)

    def show(self, test: str, phase: str, passes: frozenset[str] = attribution.NOTHING) -> None:
        """Replace what is shown; empty for no test. A full disk is nothing to stop for."""
        process, descriptor = self._opened
        try:
            if process != os.getpid():
                path = f"{self._directory}/{os.getpid()}{SUFFIX}"
                descriptor = open_file(path, os.O_WRONLY | os.O_CREAT)
                self._opened = (os.getpid(), descriptor)
            text = f"{phase}\n{test!a}\n{','.join(sorted(passes))!a}\n"
            os.pwrite(descriptor, text.encode("ascii"), 0)
        except OSError:
            pass
