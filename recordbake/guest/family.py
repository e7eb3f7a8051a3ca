"""Reads what this process and those that it started have reported, as it comes.

Their journal lines are in files of the run's shard directory, one or more for each process.
"""

from __future__ import annotations

import json
import os

from . import attribution, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SUFFIX = ".ndjson"
_STEP = 50_000_000  # nanoseconds: more than a kernel's tick


def journals(directory: str) -> list[str]:
    """Paths of the journal files in a shard directory."""
    try:
        return sorted(e.path for e in os.scandir(directory) if e.name.endswith(_SUFFIX))
    except OSError:
        return []


def read_from(path: str, offset: int) -> tuple[list[bytes], int]:
    """The whole lines of a file from an offset, and the offset behind them."""
    try:
        if os.stat(path).st_size <= offset:
            return [], offset
        with open(path, "rb") as stream:
            stream.seek(offset)
            data = stream.read()
    except OSError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return data[:end].splitlines(), offset + end


def parse(line: bytes) -> dict[str, Any]:
    """An event; empty for a line that a full disk has torn."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


class Family:
    """This process and its descendants.

    Args:
        directory: the run's shard directory.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._pids = {os.getpid()}
        self._offsets: dict[str, int] = {}
        self._strangers: dict[str, dict[str, Any]] = {}  # first event of each other journal
        self._listed = -1

    def news(self, test: str) -> Iterator[dict[str, Any]]:
        """Events since the last call, of this process and of processes that ``test`` started.

        A process whose parent is not hooked, such as a shell, is known by the test that it
        inherits.
        """
        self._meet(test)
        for path, offset in list(self._offsets.items()):
            lines, self._offsets[path] = read_from(path, offset)
            yield from map(parse, lines)

    def _is_unchanged(self) -> bool:
        """Whether no file has come since the last time; times of directories move in steps."""
        try:
            changed = os.stat(self._directory).st_mtime_ns
        except OSError:
            return True
        before, self._listed = self._listed, changed
        if clock.now() * 1e9 - changed < _STEP:
            self._listed = -1
        return before == changed

    def _meet(self, test: str) -> None:
        if self._is_unchanged():
            return
        for path in journals(self._directory):
            if path not in self._offsets and path not in self._strangers:
                lines, _ = read_from(path, 0)
                if lines:
                    self._strangers[path] = parse(lines[0])
        worker = attribution.worker()
        found = True
        while found:  # a child may be listed before its parent
            found = False
            for path, first in list(self._strangers.items()):
                pid = int(first.get("pid") or 0)
                inherits = first.get("test") == test and first.get("worker") == worker
                if pid in self._pids or first.get("ppid") in self._pids or inherits:
                    self._pids.add(pid)
                    self._offsets[path] = 0
                    del self._strangers[path]
                    found = True
