"""Notices Python processes that a strict replay starts in a way that leaves our hook behind.

They are journalled as gaps, so that the run is not green; what they do is for the barrier.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Journal

#: Audit event -> positions of program, arguments and environment.
#: Source: Python documentation, "Audit events table".
_WATCHED = {
    "subprocess.Popen": (0, 1, 3),
    "os.exec": (0, 1, 2),
    "os.posix_spawn": (0, 1, 2),
}
#: Interpreter options that make it ignore PYTHONPATH, or site.
_IGNORING = frozenset("IES")
_WITH_VALUE = ("-W", "-X")


def is_python(program: str) -> bool:
    """Whether a program is a Python by its name."""
    name = os.path.basename(program).rstrip("0123456789.")
    return name in ("python", "pypy")


def ignores_hook(arguments: list[str]) -> str:
    """The interpreter option that leaves the hook behind, or an empty string."""
    skip = False
    for argument in arguments:
        if skip:
            skip = False
            continue
        if not argument.startswith("-") or argument.startswith("--") or argument[1:2] in "cm":
            return ""
        skip = argument in _WITH_VALUE
        if not argument.startswith(_WITH_VALUE) and not _IGNORING.isdisjoint(argument[1:]):
            return argument
    return ""


class SpawnWatch:
    """An audit hook over the ways to start a process.

    Args:
        hook_dir: what has to be on the PYTHONPATH of a hooked process.
        journal: where gaps are reported.
    """

    def __init__(self, hook_dir: str, journal: Journal) -> None:
        self._hook_dir = hook_dir
        self._journal = journal

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Journal a gap where a started Python will not be hooked."""
        positions = _WATCHED.get(event)
        if positions is None:
            return
        program, arguments, environ = (args[position] for position in positions)
        given = [arguments] if isinstance(arguments, (str, bytes)) else arguments or ()
        words: list[str] = [os.fsdecode(word) for word in given]
        name = os.fsdecode(program) if program else (words[0] if words else "")
        if not is_python(name):
            return
        option = ignores_hook(words[1:])
        reason = f"it is started with {option}" if option else ""
        if not reason and not self._is_hooked(environ):
            reason = "its environment does not pass PYTHONPATH on"
        if reason:
            self._journal.write("gap", python="", executable=name, reason=reason)

    def _is_hooked(self, environ: Any) -> bool:
        source: Any = os.environ if environ is None else environ
        value = source.get("PYTHONPATH")
        if value is None and environ is not None:
            value = source.get(b"PYTHONPATH")
        for entry in os.fsdecode(value).split(os.pathsep) if value is not None else ():
            if entry == self._hook_dir:
                return True
            if os.path.exists(os.path.join(entry or ".", "sitecustomize.py")):
                return False  # it comes first, and ours does not run
        return False
