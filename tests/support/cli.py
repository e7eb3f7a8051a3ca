"""Running recordbake as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]


def clean_environ(**extra: str) -> dict[str, str]:
    """This process's environment without what tests must not inherit."""
    # The last five: pytest and recordbake print otherwise on a CI's machine or a narrow terminal.
    dropped = (
        "RECORDBAKE_", "PYTEST_", "HF_", "PYTHONPATH", "HTTP_CACHE_DIR",
        "CI", "BUILD_NUMBER", "GITHUB_", "COLUMNS", "LINES",
    )  # fmt: skip
    environ = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return environ | {"NO_COLOR": "1", "XDG_CACHE_HOME": str(ROOT / ".nox" / "cache")} | extra


def recordbake(
    *arguments: object,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """``recordbake ARGUMENTS`` in ``cwd``, with another command before it where given."""
    return subprocess.run(
        [*before, sys.executable, "-m", "recordbake", *map(str, arguments)],
        cwd=cwd,
        env=clean_environ(**(env or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def alone(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> str:
    """What a command prints that runs without recordbake, and ends well."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environ(**env),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
