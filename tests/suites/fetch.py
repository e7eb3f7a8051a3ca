"""Getting a suite's source and an environment of its own; nothing of it is kept in this project."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.suites.suite import Suite

_COMMON = ["pytest-timeout>=2.3"]


def source(suite: Suite, work: Path) -> Path:
    """The directory of the unpacked source, fetched if it is not there.

    Raises:
        SystemExit: what was fetched is not what was named.
    """
    return _from_git(suite, work) if suite.git else _from_sdist(suite, work)


def _from_sdist(suite: Suite, work: Path) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    project = suite.sdist.partition("==")[0]
    if not list(work.glob("*.tar.gz")):
        command = ["pip", "download", "-q", "--no-deps", "--no-binary", project, "-d", str(work)]
        subprocess.run([sys.executable, "-m", *command, suite.sdist], check=True)
    (archive,) = work.glob("*.tar.gz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != suite.sha256:
        sys.exit(f"suites: {archive.name} has sha256 {found}, not {suite.sha256}")
    directory = work / "source" / archive.name.removesuffix(".tar.gz")
    if not directory.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(work / "source", filter="data")
    return directory


def _from_git(suite: Suite, work: Path) -> Path:
    """Of a commit's tree what is wanted: git itself checks that it is what its digest says."""
    directory = work / "source" / suite.name
    if not (directory / ".git" / "index").exists():
        shutil.rmtree(directory, ignore_errors=True)
        url = os.environ.get(
            f"SUITE_GIT_{suite.name.upper().replace('-', '_')}", suite.git
        )  # a mirror
        git = ["git", "-C", str(directory)]
        directory.mkdir(parents=True)
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "remote", "add", "origin", url], check=True)
        subprocess.run([*git, "sparse-checkout", "set", "--no-cone", *suite.paths], check=True)
        fetch = ["fetch", "-q", "--depth", "1", "--filter=blob:none", "origin", suite.commit]
        subprocess.run([*git, *fetch], check=True)
        subprocess.run([*git, "checkout", "-q", suite.commit], check=True)
    return directory


def environment(suite: Suite, work: Path) -> Path:
    """The interpreter of a virtual environment with what the suite needs."""
    python = work / "venv" / "bin" / "python"
    done = work / "venv" / "installed.txt"
    requirements = [suite.pytest, *_COMMON, *suite.requirements]
    wanted = "\n".join(requirements)
    if done.exists() and done.read_text() == wanted:
        return python
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--clear", "-p", sys.executable, work / "venv"], check=True)
    install = ["pip", "install", "-q", "--python", str(python)]
    subprocess.run([*uv, *install, *requirements], check=True)
    done.write_text(wanted)
    return python
