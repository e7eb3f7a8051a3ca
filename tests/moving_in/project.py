"""A project of others as its maintainer would have it: set up, recorded, baked, replayed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.suites import fetch, servers, suite
from tests.suites.outcomes import Outcomes, read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PROJECTS = Path(__file__).parent / "projects.toml"
_DROPPED = ("RECORDBAKE_", "PYTEST_", "HF_", "PYTHONPATH", "HTTP_", "HTTPS_", "NO_PROXY")
_LIMIT = 1200.0


@dataclass(frozen=True)
class Setup:
    """What a project's maintainer says to ``recordbake init``, and what ``init`` cannot know.

    Args:
        name: of the suite in tests/suites/catalogue, which has its source, server and plugin.
        command: what runs the tests, after ``--``.
        table: lines that are added to ``[tool.recordbake]`` by hand.
        why: what the command leaves out, and why these lines are needed, for the page.
    """

    name: str
    command: list[str]
    table: list[str]
    why: str


def load() -> dict[str, Setup]:
    """All of projects.toml, by name."""
    found = tomllib.loads(_PROJECTS.read_text())
    return {name: Setup(name=name, **entry) for name, entry in found.items()}


class Project:
    """One project, fresh, in a directory of its own.

    Args:
        setup: how it is set up.
        work: where its archive, environment, source and reports go.
    """

    def __init__(self, setup: Setup, work: Path) -> None:
        self.setup = setup
        self.work = work
        self.suite = suite.load(setup.name)
        shutil.rmtree(work / "source", ignore_errors=True)
        self.root = fetch.source(self.suite, work)
        self.python = fetch.environment(self.suite, work)
        self.log = work / "commands.log"
        self.log.unlink(missing_ok=True)
        if self.suite.git:  # of its tree only the tests were fetched
            self._git("sparse-checkout", "add", "/pyproject.toml", "/.gitignore")
        commit = ["commit", "-q", "--allow-empty", "-m", "as released"]
        for words in (["init", "-q"], ["add", "-A", "--sparse"], commit):
            self._git(*words)

    def _git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        done = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def run(self, command: list[str], *, server: bool) -> Outcomes:
        """Run a command in the project, with its server or without; returns its tests' outcomes.

        Raises:
            SystemExit: it ended with another code than 0.
        """
        report = self.work / "junit.xml"
        report.unlink(missing_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.upper().startswith(_DROPPED)}
        environ |= self.suite.environ | {
            "PYTHONPATH": f"{self.suite.folder}{os.pathsep}{suite.SHARED}",
            "PYTEST_ADDOPTS": f"-p suite_plugin -p no:cacheprovider --junitxml={report}",
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "SUITE_PORT": str(self.suite.port),
            "SUITE_SERVERS": "up" if server else "gone",
        }
        servers.assert_gone(self.suite)
        outside = (
            servers.running(self.suite, self.python, self.root, environ, self.work / "server.log")
            if server
            else nullcontext()
        )
        with outside, self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            done = subprocess.run(
                command, cwd=self.root, env=environ, stdout=log, stderr=log,
                check=False, timeout=_LIMIT,
            )  # fmt: skip
        if done.returncode:
            sys.exit(
                f"moving_in: {self.setup.name}: exit {done.returncode}: "
                f"{' '.join(command)}, see {self.log}"
            )
        return read(report)[0] if report.exists() else {}

    def recordbake(self, *words: str, server: bool = False) -> Outcomes:
        """The same with a command of recordbake."""
        return self.run([sys.executable, "-m", "recordbake", *words], server=server)

    def configure(self) -> dict[str, int]:
        """``recordbake init``, then the lines by hand; returns how many lines each file gained."""
        self.recordbake("init", "--yes", "--ci", "github", "--", *self.setup.command)
        path = self.root / "pyproject.toml"
        begin, table, rest = path.read_text().partition("[tool.recordbake]\n")
        path.write_text(begin + table + "".join(f"{line}\n" for line in self.setup.table) + rest)
        self._git("add", "-A", "--sparse")
        changed = [
            line.split("\t")
            for line in self._git("diff", "--cached", "--numstat").split("\n")
            if line
        ]
        if any(removed != "0" for _, removed, _ in changed):
            sys.exit(f"moving_in: {self.setup.name}: init changed a line: {changed}")
        return {name: int(added) for added, _, name in changed}

    def summary(self, file: str) -> dict[str, Any]:
        """What ``--json`` wrote of a run."""
        found: dict[str, Any] = json.loads((self.work / file).read_text())
        return found
