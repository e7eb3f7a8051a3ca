"""The lines of a journal as they stand in the file, and what to make of an odd one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recordbake.audit.columns import is_time
from recordbake.errors import DamagedError
from recordbake.journal import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["JOURNAL_VERSION", "LONGEST_LINE", "batches", "parse"]

JOURNAL_VERSION = 1
_BATCH = 1 << 16  # bytes that are split into lines at once
_TOO_LONG = b"{\0"  # no JSON, whatever follows


def batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a journal without their line breaks, some hundred at a time.

    Of one that is too long, something that does not parse; some may be blank.
    """
    rest = b""
    while batch := stream.read(_BATCH):
        lines = batch.split(b"\n")
        lines[0] = rest + lines[0]
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            rest = _TOO_LONG
        yield lines
    yield [rest]


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
