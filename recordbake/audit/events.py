"""Journals as one table: read line by line, each distinct text kept once.

A journal of a million events costs some 100 bytes an event here, whatever its lines hold.
"""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

JOURNAL_VERSION = 1
#: Events that findings are made of; the others are read over.
KEPT = frozenset({"request", "test", "gap", "leak", "damage"})
#: Columns of repeated text: categories, missing where the event does not have the field.
TEXT_COLUMNS: Final = (
    "run", "event", "test", "outcome", "reason", "method", "url", "host", "client", "key",
    "message", "what", "python", "executable",
)  # fmt: skip
#: Whole numbers; -1 where the event does not have the field.
INTEGER_COLUMNS: Final = ("take", "status", "bytes", "port")
#: Flags; missing counts as false.
FLAG_COLUMNS: Final = ("from_cache", "blocked")

#: The end of the year 9999 in Unix seconds: the last time that a date can show.
LAST_SECOND = 253402300799.0

_LONGEST_LINE = 1 << 20  # bytes; what is longer was not written by a guest


def clean(text: Any) -> str:
    """A field as text that every encoder accepts: lone surrogates are written out."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def is_time(value: Any) -> bool:
    """Whether a JSON value is a time: Unix seconds that a date can show."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value <= LAST_SECOND  # false for NaN
    )


class _Texts:
    """A column of text as codes into the list of its distinct values."""

    def __init__(self) -> None:
        self.codes = array("i")
        self.known: dict[str, int] = {}

    def append(self, value: Any) -> None:
        if value is None:
            self.codes.append(-1)
            return
        code = self.known.get(value) if type(value) is str else None
        if code is None:
            code = self.known.setdefault(clean(value), len(self.known))
        self.codes.append(code)

    def column(self) -> pd.Categorical:
        categories = pd.Index(list(self.known), dtype=object)
        return pd.Categorical.from_codes(np.array(self.codes, dtype=np.int32), categories)


class EventTable:
    """Collects events; :meth:`frame` hands them over as a data frame."""

    def __init__(self) -> None:
        self._texts = {name: _Texts() for name in TEXT_COLUMNS}
        self._integers = {name: array("q") for name in INTEGER_COLUMNS}
        self._flags = {name: array("b") for name in FLAG_COLUMNS}
        self._ts = array("d")

    def append(self, run: str, event: dict[str, Any]) -> None:
        """Add one event.

        Args:
            run: identifier of the run whose journal it stands in.
            event: the line, with a valid ``ts``.
        """
        self._ts.append(event["ts"])
        for name, texts in self._texts.items():
            texts.append(run if name == "run" else event.get(name))
        for name, integers in self._integers.items():
            value = event.get(name)
            # A type check, not isinstance: true is not a number here.
            integers.append(value if type(value) is int and 0 <= value < 1 << 63 else -1)
        for name, flags in self._flags.items():
            flags.append(event.get(name) is True)

    def read(self, path: Path, run: str) -> int:
        """Add the events of a journal that findings are made of.

        Args:
            path: the journal; may be missing.
            run: identifier of its run.

        Returns:
            How many lines are damaged: torn, not JSON, or without a valid time or event.

        Raises:
            DamagedError: the journal was written by a newer format or cannot be read.
        """
        damaged = 0
        try:
            with path.open("rb") as stream:
                for line in _lines(stream):
                    event = _parse(line, path)
                    if event is None:
                        damaged += 1
                    elif event["event"] in KEPT:
                        self.append(run, event)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DamagedError(f"the journal cannot be read: {error}", where=path) from error
        return damaged

    def frame(self) -> pd.DataFrame:
        """The events: ``ts`` (Unix seconds, UTC), text, integer and flag columns."""
        columns: dict[str, Any] = {"ts": np.array(self._ts, dtype=np.float64)}
        columns |= {name: texts.column() for name, texts in self._texts.items()}
        columns |= {name: np.array(v, dtype=np.int64) for name, v in self._integers.items()}
        columns |= {name: np.array(v, dtype=np.bool_) for name, v in self._flags.items()}
        frame: pd.DataFrame = pd.DataFrame(columns)
        return frame


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of one that is too long, a piece that does not parse."""
    while line := stream.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield b"{"
        elif line.strip():
            yield line


def _parse(line: bytes, path: Path) -> dict[str, Any] | None:
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
