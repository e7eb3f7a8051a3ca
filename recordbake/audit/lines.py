"""The lines of a journal as they stand in the file, and what to make of an odd one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recordbake.audit.columns import is_time
from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

JOURNAL_VERSION = 1
LONGEST_LINE = 1 << 20  # bytes; what is longer was not written by a guest


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of one that is too long, a piece that does not parse."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield b"{"
        elif line.strip():
            yield line


def parse(line: bytes, path: Path | str) -> dict[str, Any] | None:
    """A line as an event; None if it is torn, not JSON, or without a valid time or event.

    Raises:
        DamagedError: the journal at ``path`` was written by a newer format.
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    version = event.get("v")
    if isinstance(version, int) and version > JOURNAL_VERSION:
        raise DamagedError(
            f"the journal has format {version}, this recordbake reads format {JOURNAL_VERSION}",
            where=path,
            next_step="use the recordbake that wrote it, or delete that run's directory",
        )
    return event if is_time(event.get("ts")) else None
