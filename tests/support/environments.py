"""Virtual environments for suites under test, with nothing of ours installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

from recordbake.locks import recording_lock
from tests.support.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CACHE = ROOT / ".nox" / "suites"


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment with these packages, made once and kept."""
    mark = f"{sys.version_info[:2]} {sorted(requirements)}"
    path = CACHE / hashlib.sha256(mark.encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    # One worker of pytest-xdist makes it, the others wait.
    with recording_lock(CACHE, shared=False, seconds=600):
        _make(path, requirements)
    return path / "bin" / "python"


def _make(path: Path, requirements: tuple[str, ...]) -> None:
    done = path / "done"
    if not done.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run(
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, path], check=True
        )
        subprocess.run(
            [*uv, "pip", "install", "--quiet", "--python", path / "bin" / "python", *requirements],
            check=True,
        )
        done.touch()
