"""The optional ``.pth`` that hooks Pythons which ignore PYTHONPATH, put into an environment.

Python runs such a file at every start, with ``-I`` and ``-E`` too (documentation of :mod:`site`).
Ours is one line that does nothing unless a run of recordbake is going on.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from recordbake.environment import HOOK_VARIABLE
from recordbake.errors import UsageError
from recordbake.files import write_atomically
from recordbake.hook_dir import GUEST_NAME

NAME = "recordbake.pth"
LINE = (
    f"import os, sys; h = os.environ.get({HOOK_VARIABLE!r}); "
    "h and os.path.isdir(h) and (sys.path.insert(0, h), "
    f"__import__('{GUEST_NAME}.boot').boot.start(late=True))\n"
)
_WHERE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def location(python: str) -> Path:
    """Where the file belongs in an interpreter's environment.

    Raises:
        UsageError: the interpreter does not run.
    """
    try:
        found = subprocess.run(
            [python, "-I", "-c", _WHERE], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(
            "the interpreter cannot be run", where=python, next_step="name a Python with --python"
        ) from error
    return Path(found.stdout.strip()) / NAME


def install(python: str) -> Path:
    """Put the file into an interpreter's environment; again is harmless.

    Raises:
        UsageError: its directory cannot be written.
    """
    path = location(python)
    try:
        write_atomically(path, LINE.encode("ascii"))
    except OSError as error:
        raise _refused(path, error) from error
    return path


def uninstall(python: str) -> Path:
    """Take the file away; without one nothing happens.

    Raises:
        UsageError: its directory cannot be written.
    """
    path = location(python)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from error
    return path


def _refused(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the environment cannot be changed: {error.strerror}",
        where=path,
        next_step="run it as the owner of that environment, or name another with --python",
    )
