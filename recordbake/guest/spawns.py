"""Notices Python processes that are started in a way that leaves our hook behind.

They are journalled as gaps; what they do is for the barrier.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .events import Journal

    Handler = Callable[[str, tuple[Any, ...]], None]

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
_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})


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


def pythons_of_shell(command: str) -> list[list[str]]:
    """The command lines in a shell's command that start a Python, as far as can be seen."""
    for mark in ";&|()\n":
        command = command.replace(mark, " ")
    words = [word.strip("\"'") for word in command.split()]
    return [words[at:] for at, word in enumerate(words) if is_python(word)]


def has_pth(program: str) -> bool:
    """Whether the environment of an interpreter, given by its path, has our ``.pth``."""
    lib = os.path.join(os.path.dirname(os.path.dirname(program)), "lib")
    try:
        found = [name for name in os.listdir(lib) if name.startswith("python3")]
    except OSError:
        return False
    return any(
        os.path.exists(os.path.join(lib, name, packages, "recordbake.pth"))
        for name in found
        for packages in ("site-packages", "dist-packages")
    )


def is_python_script(path: str) -> bool:
    """Whether a program's first line names a Python, as that of pytest or hf does."""
    try:
        with open(path, "rb") as stream:
            first = stream.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


class SpawnWatch:
    """Audit hooks over the ways to start a process.

    Args:
        hook_dir: what has to be on the PYTHONPATH of a hooked process.
        journal: where gaps are reported.
    """

    def __init__(self, hook_dir: str, journal: Journal) -> None:
        self._hook_dir = hook_dir
        self._journal = journal
        self._programs: set[str] = set()

    def handlers(self) -> dict[str, Handler]:
        """What to call at which audit event."""
        handlers: dict[str, Handler] = dict.fromkeys(_WATCHED, self.check)
        handlers["os.system"] = self.check_system
        return handlers

    def check(self, event: str, args: tuple[Any, ...]) -> None:
        """Journal a gap where a started Python will not be hooked."""
        program, arguments, environ = (args[position] for position in _WATCHED[event])
        given = [arguments] if isinstance(arguments, (str, bytes)) else arguments or ()
        words: list[str] = [os.fsdecode(word) for word in given]
        name = os.fsdecode(program) if program else (words[0] if words else "")
        if is_python(name):
            self._check_python(name, words[1:], environ)
        elif os.path.basename(name) in _SHELLS and words[1:2] == ["-c"]:
            for found in pythons_of_shell(words[2] if len(words) > 2 else ""):  # noqa: PLR2004
                self._check_python(found[0], found[1:], environ)
        else:
            self._list(name, environ)

    def _list(self, name: str, environ: Any) -> None:
        """Say once that a program in another language runs: its requests are not captured."""
        program = os.path.basename(name)
        if program in self._programs:
            return
        self._programs.add(program)
        folders = (_variable(environ, "PATH") or os.defpath).split(os.pathsep)
        paths = [name] if os.path.dirname(name) else [os.path.join(f, name) for f in folders]
        found = next((path for path in paths if os.path.isfile(path)), "")
        if found and not is_python_script(found):
            self._journal.write("program", executable=found)

    def check_system(self, event: str, args: tuple[Any, ...]) -> None:  # noqa: ARG002
        """The same for ``os.system``."""
        for found in pythons_of_shell(os.fsdecode(args[0])):
            self._check_python(found[0], found[1:], None)

    def _check_python(self, name: str, options: list[str], environ: Any) -> None:
        option = ignores_hook(options)
        reason = f"it is started with {option}" if option else ""
        if not reason and not self._is_hooked(environ):
            reason = "its environment does not pass PYTHONPATH on"
        if reason and not ("S" not in option and self._passes_on(environ) and has_pth(name)):
            self._journal.write("gap", python="", executable=name, reason=reason)

    @staticmethod
    def _passes_on(environ: Any) -> bool:
        """Whether the environment has what our ``.pth`` reads; see recordbake/pth.py."""
        return _variable(environ, "RECORDBAKE_HOOK") is not None

    def _is_hooked(self, environ: Any) -> bool:
        for entry in (_variable(environ, "PYTHONPATH") or "").split(os.pathsep):
            if entry == self._hook_dir:
                return True
            if os.path.exists(os.path.join(entry or ".", "sitecustomize.py")):
                return False  # it comes first, and ours does not run
        return False


def _variable(environ: Any, name: str) -> str | None:
    """A variable of an environment that is given to a process; None for this process's own."""
    if environ is None:
        return os.environ.get(name)
    for key in (name, name.encode("ascii")):
        try:
            value = environ.get(key)
        except TypeError:  # os.environ takes text only, os.environb bytes only
            continue
        if value is not None:
            return os.fsdecode(value)
    return None
