"""Reads what hooked processes recorded: at the end of a run, or most of it while it goes on.

Shards only grow, by whole records, so what was read of one stays as it was. Nothing is written
here: a run that is killed leaves its shards as if nobody had looked at them.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from recordbake.errors import DamagedError
from recordbake.guest import codec
from recordbake.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds between two looks while a command runs: longer and longer where nothing is new.
_SHORTEST, _LONGEST = 0.1, 1.0
#: Bytes of answers that are held while a command runs; the rest is read when it has ended.
_MOST = 64 << 20
_BESIDE = 4096  # bytes that an answer takes beside its value, about


class _Shard:
    """How far a shard was read."""

    __slots__ = ("offset", "rows", "size")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.offset = 0  # where the first record begins that was not read
        self.size = -1  # of the file when all whole records had been read


class Gathering:
    """The answers of one run.

    Args:
        directory: where its processes write.
        most: bytes of answers that :meth:`look` holds.
    """

    def __init__(self, directory: Path, most: int = _MOST) -> None:
        self._directory = directory
        self._left = most
        self._shards: dict[str, _Shard] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="recordbake-gather", daemon=True)

    def rows(self) -> list[Row]:
        """All answers, in the order they were recorded.

        Raises:
            DamagedError: a shard is damaged in the middle.
        """
        found: list[Row] = []
        for path in sorted(self._directory.glob("*.entries")):
            try:
                shard = self._read(path, early=False)
            except codec.CodecError as error:
                raise DamagedError(
                    str(error), where=path, next_step="delete it and record again"
                ) from error
            found.extend(shard.rows)
        found.sort(key=lambda row: row.captured.started)
        return found

    def begin(self) -> None:
        """Look again and again, in a thread of its own, until :meth:`end`."""
        self._thread.start()

    def end(self) -> None:
        """Look no more; what was read is kept. Harmless where nothing was begun."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _go_on(self) -> None:
        wait = _SHORTEST
        while not self._ended.wait(wait) and not self._is_enough():
            began = time.thread_time()
            wait = _SHORTEST if self.look() else wait * 2
            # The suite needs the processor, too: of one, a tenth at most.
            wait = min(max(wait, (time.thread_time() - began) * 10), _LONGEST)

    def _is_enough(self) -> bool:
        return self._left <= 0 or self._ended.is_set()

    def look(self) -> bool:
        """Read what is new, as much as may be held; whether there was anything.

        What is damaged or cannot be read is left to :meth:`rows`, which says so.
        """
        before = self._left
        for path in self._directory.glob("*.entries"):
            if self._is_enough():
                break
            try:
                shard = self._shards.get(path.name)
                if shard is None or shard.size != path.stat().st_size:
                    self._read(path, early=True)
            except (*codec.DAMAGE, OSError):
                continue
        return self._left != before

    def _read(self, path: Path, *, early: bool) -> _Shard:
        """Read on in a shard, up to a torn end, which is looked at again when it has grown."""
        shard = self._shards.setdefault(path.name, _Shard())
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(shard.offset)
            for captured in codec.read_records(stream):
                row = Row(captured)
                captured.body = b""  # the row has it
                shard.rows.append(row)
                shard.offset = stream.tell()
                self._left -= len(row.value or b"") + _BESIDE
                if early and self._is_enough():
                    return shard
        shard.size = size
        return shard
