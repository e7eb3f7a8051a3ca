"""The four runs of a suite."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.suites import fetch, servers
from tests.suites.outcomes import Verdict, read
from tests.suites.suite import SHARED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.suites.suite import Suite

#: The runs of a suite, in order.
RUNS = ("live", "again", "alone", "record", "replay")

_LIMIT = 1200.0
_DROPPED = ("RECORDBAKE_", "PYTEST_", "HF_", "PYTHONPATH", "HTTP_", "HTTPS_", "NO_PROXY")


class Runs:
    """One suite in a working directory.

    Args:
        suite: what to run.
        work: where its source, environment, recording and reports go.
        extra: further arguments for the suite's pytest, such as ``-k``.
    """

    def __init__(self, suite: Suite, work: Path, extra: Sequence[str] = ()) -> None:
        self.suite = suite
        self.work = work
        self.extra = extra
        self.source = fetch.source(suite, work)
        self.python = fetch.environment(suite, work)
        self.recording = work / "recording"

    def _environ(self, servers: str) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if not k.upper().startswith(_DROPPED)}
        return environ | self.suite.environ | {
            "PYTHONPATH": f"{self.suite.folder}{os.pathsep}{SHARED}",
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "SUITE_PORT": str(self.suite.port),
            "SUITE_SERVERS": servers,
        }  # fmt: skip

    def report(self, name: str) -> Path:
        """The JUnit XML of a run."""
        return self.work / f"{name}.xml"

    def run(self, name: str, before: Sequence[str] = (), *, server: bool) -> None:
        """Run the suite once, with or without its server.

        Raises:
            SystemExit: pytest could not run it.
        """
        environ = self._environ("up" if server else "gone")
        log = self.work / f"{name}.log"
        command = [
            *before, str(self.python), *self.suite.python, "-p", "suite_plugin",
            "-p", "no:cacheprovider", "-v", "--timeout=30", f"--junitxml={self.report(name)}",
            *self.extra,
        ]  # fmt: skip
        self.report(name).unlink(missing_ok=True)
        with contextlib.ExitStack() as stack:
            servers.assert_gone(self.suite)
            if server:
                server_log = self.work / f"{name}.server.log"
                stack.enter_context(
                    servers.running(self.suite, self.python, self.source, environ, server_log)
                )
            output = stack.enter_context(log.open("w"))
            done = subprocess.run(
                command, cwd=self.source, env=environ, stdout=output, stderr=output,
                check=False, timeout=_LIMIT,
            )  # fmt: skip
        print(f"{self.suite.name} {name}: exit {done.returncode}, {log}", flush=True)
        if name == "live" and done.returncode not in (0, 1):  # 1: some tests fail without us, too
            sys.exit(f"suites: {self.suite.name} did not run: see {log}")

    def record(self) -> None:
        """Record the suite once, into a recording of its own."""
        shutil.rmtree(self.recording, ignore_errors=True)
        self.run("record", self._recordbake("record", "--allow-errors"), server=True)

    def replay(self) -> None:
        """Replay it strictly, with the server gone."""
        self.run("replay", self._recordbake("replay", "--strict"), server=False)

    def _recordbake(self, *verb: str) -> list[str]:
        return [
            sys.executable, "-m", "recordbake", *verb,
            "--recording", str(self.recording), "--capture-ports",
            ",".join(str(self.suite.port + n) for n in range(servers.PORTS)), "--",
        ]  # fmt: skip

    def verdict(self) -> Verdict:
        """What the runs say."""
        live, again, alone, record, replay = (read(self.report(name))[0] for name in RUNS)
        runs = live | again
        unstable = frozenset(test for test in runs if live.get(test) != again.get(test))
        return Verdict(live, alone, record, replay, unstable)
