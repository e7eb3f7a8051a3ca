"""A suite's server as a process of its own, on fixed ports, so that it can be gone."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.suites.suite import Suite

#: How many ports a suite's outer servers have, from its first one on.
PORTS = 10


@contextlib.contextmanager
def running(
    suite: Suite, python: Path, source: Path, environ: Mapping[str, str], log: Path
) -> Iterator[None]:
    """Run ``server.py`` until the block ends; it prints a line once it listens.

    Raises:
        RuntimeError: it did not start.
    """
    script = suite.folder / "server.py"
    if not script.exists():
        yield
        return
    with log.open("w") as errors:
        process = subprocess.Popen(
            [python, script], cwd=source, env=environ, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"the server of {suite.name} did not start: see {log}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def assert_gone(suite: Suite) -> None:
    """Make sure that nobody listens on the suite's ports.

    Raises:
        RuntimeError: somebody does.
    """
    for port in range(suite.port, suite.port + PORTS):
        for host in ("127.0.0.1", "::1"):
            with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
                raise RuntimeError(f"{suite.name}: the server at {host}:{port} is not gone")
    time.sleep(0.1)
