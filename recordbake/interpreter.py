"""Which Python a command will start, and whether it can be hooked, found out before it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recordbake.errors import UsageError
from recordbake.guest.boot import MINIMUM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PYTHON = re.compile(r"^(python|pypy)[\d.]*$")
#: The trampoline that pip and uv write where a path is too long for a shebang.
_TRAMPOLINE = re.compile(r"""^'''exec' ["']?([^"']+?)["']? "\$0" "\$@"$""")
#: Old Pythons run it too, to say how old they are. Ours compile the hook where that is not done
#: yet: with PYTHONDONTWRITEBYTECODE set, as in many images, each process would.
_PROBE = """
import sys
hooked = '_recordbake_guest.boot' in sys.modules
sys.stdout.write('%s %s %s' % ((hooked,) + tuple(sys.version_info[:2])))
sys.stdout.flush()
if hooked and sys.version_info[:2] >= (3, 10) and not sys.pycache_prefix:
    import os
    level = '.opt-%d' % sys.flags.optimize if sys.flags.optimize else ''
    compiled = '.%s%s.pyc' % (sys.implementation.cache_tag, level)  # PEP 3147, PEP 488
    for where, _, names in os.walk(os.environ['RECORDBAKE_PROBE']):
        there = os.path.join(where, '__pycache__')
        there = os.listdir(there) if os.path.isdir(there) else []
        for name in names:
            if name.endswith('.py') and name[:-3] + compiled not in there:
                import py_compile
                unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
                path = os.path.join(where, name)
                py_compile.compile(path, doraise=False, quiet=2, invalidation_mode=unchecked)
"""
_WITH_VALUE = ("-W", "-X")


class Examined(NamedTuple):
    """What is known of a command's interpreter.

    ``hooked`` is None when the command is not a Python one, as far as can be told.
    """

    interpreter: str | None
    hooked: bool | None
    reason: str = ""


def resolve(command: Sequence[str], path: str | None) -> str:
    """The program that a command starts.

    Raises:
        UsageError: there is no command, or no such program.
    """
    if not command:
        raise UsageError(
            "there is no command to run",
            where="the command line",
            next_step="give one after --, or set command in [tool.recordbake]",
        )
    found = shutil.which(command[0], path=path)
    if found is None:
        raise UsageError(
            f"{command[0]!r} cannot be run: there is no such program",
            where="PATH",
            next_step="check the name, or activate the environment that it is installed in",
        )
    return found


def pytest_prefix(command: Sequence[str]) -> list[str]:
    """The words of a command that start pytest (``pytest``, ``python -m pytest``), or none."""
    for number, word in enumerate(command):
        if Path(word).name in ("pytest", "py.test"):
            return list(command[: number + 1])
    return []


def interpreter_of(program: str, arguments: Sequence[str], path: str | None) -> list[str] | None:
    """The interpreter with its own options, or None for what is not Python by name or shebang."""
    if _PYTHON.match(Path(program).name):
        return [program, *_own_options(arguments)]
    try:
        with Path(program).open("rb") as stream:
            first, second = (stream.readline(512).decode("utf-8", "replace").strip()
                             for _ in range(2))  # fmt: skip
    except OSError:
        return None
    if not first.startswith("#!"):
        return None
    words = first[2:].split()
    if match := _TRAMPOLINE.match(second):
        words = [match.group(1)]
    elif words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
        words[:1] = [shutil.which(words[0], path=path) or words[0]] if words else []
    return words if words and _PYTHON.match(Path(words[0]).name) else None


def _own_options(arguments: Sequence[str]) -> list[str]:
    """The interpreter's options before its script, module or code."""
    options: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-" or argument[1:2] in ("c", "m"):
            break
        options.append(argument)
        if argument in _WITH_VALUE:
            options.append(next(rest, ""))
    return [o for o in options if o not in ("-i", "-V", "-h", "--version", "--help", "-v")]


def _not(interpreter: Sequence[str], reason: str) -> Examined:
    return Examined(interpreter[0], hooked=False, reason=reason)


def examine(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Examined:
    """Start the command's interpreter once with the hook on its path and see whether it took.

    Args:
        program: from :func:`resolve`.
        arguments: the command's arguments.
        environ: the environment of the command, with the hook directory on PYTHONPATH.
    """
    return begin(program, arguments, environ)()


def begin(
    program: str, arguments: Sequence[str], environ: Mapping[str, str]
) -> Callable[[], Examined]:
    """Begin to :func:`examine`; what is returned waits for the result."""
    interpreter = interpreter_of(program, arguments, environ.get("PATH"))
    if interpreter is None:
        return lambda: Examined(None, hooked=None)
    hook = environ.get("PYTHONPATH", "").partition(os.pathsep)[0]
    try:
        probe = subprocess.Popen(
            [*interpreter, "-c", _PROBE],
            env={**environ, "RECORDBAKE_PROBE": hook or "1"},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        reason = f"it does not start: {error.strerror}"
        return lambda: _not(interpreter, reason)
    return lambda: _result(interpreter, probe)


def _result(interpreter: Sequence[str], probe: subprocess.Popen[str]) -> Examined:
    try:
        said, complaint = probe.communicate()
    except BaseException:
        probe.kill()
        raise
    words = said.split()[-3:]
    if probe.returncode or len(words) != 3 or not words[1].isdigit():  # noqa: PLR2004
        return _not(interpreter, "it does not start: " + complaint.strip()[-300:])
    version = (int(words[1]), int(words[2]))
    if version < MINIMUM:
        return _not(
            interpreter, f"it is Python {version[0]}.{version[1]}; recordbake hooks 3.10 and later"
        )
    if words[0] != "True":
        return _not(
            interpreter,
            "it does not read PYTHONPATH (one of -I, -E, -S is given, or its build ignores it)",
        )
    return Examined(interpreter[0], hooked=True)
