"""Run a command against the stand-in: `python examples/with_server.py -- COMMAND...`.

The server is a process of its own, so that whatever hooks itself into COMMAND and its children
does not hook the other end of the line, too. Exits with COMMAND's code.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from standin import environment

# They would lead past the stand-in, or change what it is asked for.
LEFT_OUT = ("ALL_PROXY", "all_proxy", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE")


def main(arguments: list[str] | None = None) -> int:
    """Start the server, run the command, stop the server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: a temporary directory")
    parser.add_argument("--rate-limit-seconds", type=float, default=0, metavar="N")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="stand-in-") as temporary:
        state: Path = (options.state or Path(temporary)).resolve()
        return run(options.command, state, options.rate_limit_seconds)


def run(command: list[str], state: Path, rate_limit_seconds: float = 0) -> int:
    """The same for Python callers; returns the command's exit code."""
    program = [sys.executable, str(Path(__file__).with_name("server.py")), "--state", str(state)]
    program += ["--rate-limit-seconds", str(rate_limit_seconds)]
    # Until there is a command to pass it on to, a SIGTERM unwinds this process, server included.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A session of its own: Ctrl-C is for the command, which still needs its server to end well.
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            assert server.stdout is not None
            ready = server.stdout.readline()  # or nothing, when it could not start
            if not ready:
                print("with_server: the stand-in did not start", file=sys.stderr)
                return 1
            return _run(command, surroundings(state, json.loads(ready)["proxy"]))
        finally:
            server.terminate()


def surroundings(state: Path, proxy: str) -> dict[str, str]:
    """This process's environment, with the stand-in in place of the internet.

    The Hub's cache moves as well: the stand-in's files carry real names, and must neither be
    taken from nor end up in the cache of whoever tries this.
    """
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**kept, "HF_HOME": str(state / "hf_home"), **environment(state, proxy)}


def _run(command: list[str], env: dict[str, str]) -> int:
    with subprocess.Popen(command, env=env) as process:
        # Ctrl-C reaches the command by itself; a SIGTERM is for us alone and has to be passed on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
