"""What the rows share: a server, recordings made by the command itself, hooked environments."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Cost, cost
from recordbake import hook_dir
from recordbake.guest.config import GuestConfig
from recordbake.interpreter import examine
from recordbake.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

HERE = Path(__file__).parent
ROOT = HERE.parent
CALLS = HERE / "calls.py"
DROPPED = ("RECORDBAKE_", "PYTEST_", "HF_", "PYTHONPATH", "HTTP_CACHE_DIR")


class Surroundings:
    """A directory and a server for one run of the bench.

    Args:
        quick: sizes that only show that everything works.
        peers: a Python with the peers installed, or None.
    """

    def __init__(self, *, quick: bool, peers: Path | None) -> None:
        self.quick = quick
        self.peers = peers
        self.python = sys.executable
        self.base = ""
        #: What one row has measured for another: runs that cost minutes are made once.
        self.kept: dict[str, dict[str, Cost]] = {}
        self._stack = ExitStack()
        self.path = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)}
        for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
            kept.pop(name, None)
        self.env = kept | {
            "RECORDBAKE_CAPTURE_LOOPBACK": "1", "XDG_CACHE_HOME": str(self.path / "cache"),
            "PYTHONHASHSEED": "0", "NO_COLOR": "1",
        }  # fmt: skip

    def __enter__(self) -> Surroundings:
        command = [self.python, "-m", "bench.server"]
        self._server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        self.base = f"http://localhost:{self._server.stdout.readline().strip()}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.communicate()
        self._stack.close()

    def size(self, full: int, quick: int) -> int:
        """A size of this run."""
        return quick if self.quick else full

    def calls(
        self, client: str, transport: str, url: str, count: int, distinct: int | None = None
    ) -> list[object]:
        """The command line of :mod:`bench.calls`, by default with as many URLs as calls."""
        return [self.python, CALLS, client, transport, self.base + url, count, distinct or count]

    def recordbake(
        self, name: str, *arguments: object, env: Mapping[str, str] | None = None
    ) -> Cost:
        """``recordbake ARGUMENTS`` in a project directory of that name."""
        directory = self.path / name
        directory.mkdir(exist_ok=True)
        command = [self.python, "-m", "recordbake", *arguments]
        return cost(command, env=env or self.env, cwd=directory)

    def record(self, name: str, *command: object) -> Recording:
        """Record a command into a project of that name."""
        self.recordbake(name, "record", "--", *command)
        return self.recording(name)

    def recording(self, name: str) -> Recording:
        """The recording of a project of that name."""
        return Recording(self.path / name / ".recordbake")

    def hooked(self, recording: Recording | None, mode: str = "replay_strict") -> dict[str, str]:
        """An environment hooked as the command hooks it, with every process of its own cost."""
        directory = Path(tempfile.mkdtemp(dir=self.path))
        (directory / "hook").mkdir()
        (directory / "shards").mkdir()
        config = GuestConfig(
            mode=mode, run="bench", shards=str(directory / "shards"), capture_loopback=True,
            store=str(recording.store.resolve()) if recording else "",
        )  # fmt: skip
        hook_dir.build(directory / "hook", config)
        environ = self.env | {"PYTHONPATH": str(directory / "hook")}
        examine(self.python, ["-c", "pass"], environ)  # compiles the hook, as a run does
        return environ
