"""Journals as one table: read line by line, each distinct text kept once.

A journal of a million events costs some 100 bytes an event here, whatever its lines hold.
"""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import pandas as pd

from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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

    def append(self, value: str | None) -> None:
        """Add a value; None is missing."""
        self.codes.append(-1 if value is None else self.known.setdefault(value, len(self.known)))

    def column(self, rows: np.ndarray[Any, Any] | None = None) -> pd.Categorical:
        """The column, or what it has at these rows."""
        categories = pd.Index(list(self.known), dtype=object)
        codes = np.array(self.codes, dtype=np.int32)
        return pd.Categorical.from_codes(codes if rows is None else codes[rows], categories)


#: Fields that go together: of a million events few thousand have others than one before.
_GROUPED_TEXT = tuple(name for name in TEXT_COLUMNS if name not in ("run", "test"))
#: What most lines are, decoded at once into just the fields that are kept; a line with a field of
#: another type, or with what msgspec does not take, goes the long way of :func:`_parse`.
_LINE: Any = msgspec.defstruct(
    "_LINE",
    [
        ("ts", float),
        ("v", "int | None", None),
        ("test", "str | None", None),
        *((name, "str | None", None) for name in _GROUPED_TEXT),
        *((name, "int | None", None) for name in INTEGER_COLUMNS),
        *((name, "bool | None", None) for name in FLAG_COLUMNS),
    ],
    gc=False,
)
_GROUP = slice(3, None)  # of the line's values
_EVENT = 3 + _GROUPED_TEXT.index("event")
_KNOWN_VERSIONS = frozenset({None, JOURNAL_VERSION})
_MOST_GROUPS = 100_000  # remembered at a time


class EventTable:
    """Collects events; :meth:`frame` hands them over as a data frame.

    An event is its time, its run, its test and a row of the table of groups, in which equal rows
    stand once, as far as they are remembered.
    """

    def __init__(self) -> None:
        self._ts = array("d")
        self._run, self._test = _Texts(), _Texts()
        self._group = array("i")
        self._rows: dict[tuple[Any, ...], int] = {}
        self._count = 0
        self._texts = {name: _Texts() for name in _GROUPED_TEXT}
        self._integers = {name: array("q") for name in INTEGER_COLUMNS}
        self._flags = {name: array("b") for name in FLAG_COLUMNS}

    def append(self, run: str, event: dict[str, Any]) -> None:
        """Add one event.

        Args:
            run: identifier of the run whose journal it stands in.
            event: the line, with a valid ``ts``.
        """
        texts = {
            name: None if event.get(name) is None else clean(event[name])
            for name in (*_GROUPED_TEXT, "test")
        }
        # Type checks, not isinstance: true is not a number here.
        numbers = [event.get(n) if type(event.get(n)) is int else None for n in INTEGER_COLUMNS]
        flags = [event.get(name) is True for name in FLAG_COLUMNS]
        group = (*(texts[name] for name in _GROUPED_TEXT), *numbers, *flags)
        self._add(run, event["ts"], texts["test"], group)

    def _add(self, run: str, ts: float, test: str | None, group: tuple[Any, ...]) -> None:
        self._ts.append(ts)
        self._run.append(run)
        self._test.append(test)
        row = self._rows.get(group)
        self._group.append(self._add_row(group) if row is None else row)

    def _take_plain(self, lines: Iterable[bytes], run: str) -> Iterator[bytes]:
        """Add the lines that are as guests write them; hands on the others."""
        # A million times round: what is looked up is looked up once.
        decode, values_of = msgspec.json.Decoder(_LINE).decode, msgspec.structs.astuple
        add_time, add_test, add_run = self._ts.append, self._test.append, self._run.append
        add_group, row_of = self._group.append, self._rows.get
        for line in lines:
            try:
                values = values_of(decode(line))
            except (msgspec.DecodeError, ValueError):  # a ValueError itself only from 0.21 on
                yield line
                continue
            ts, version, test = values[:3]
            event = values[_EVENT]
            if event is None or version not in _KNOWN_VERSIONS or not 0 <= ts <= LAST_SECOND:
                yield line
            elif event in KEPT:
                group = values[_GROUP]
                row = row_of(group)
                add_time(ts)
                add_run(run)
                add_test(test)
                add_group(self._add_row(group) if row is None else row)

    def _add_row(self, group: tuple[Any, ...]) -> int:
        values = iter(group)
        for texts in self._texts.values():
            texts.append(next(values))
        for integers in self._integers.values():
            value = next(values)
            integers.append(value if value is not None and 0 <= value < 1 << 63 else -1)
        for flags in self._flags.values():
            flags.append(next(values) is True)
        if len(self._rows) >= _MOST_GROUPS:
            self._rows.clear()
        self._rows[group] = self._count
        self._count += 1
        return self._count - 1

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
                for line in self._take_plain(_lines(stream), run):
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
        rows = np.array(self._group, dtype=np.int32)
        texts = {name: texts.column(rows) for name, texts in self._texts.items()}
        texts |= {"run": self._run.column(), "test": self._test.column()}
        columns: dict[str, Any] = {"ts": np.array(self._ts, dtype=np.float64)}
        columns |= {name: texts[name] for name in TEXT_COLUMNS}
        for kind, found in ((np.int64, self._integers), (np.bool_, self._flags)):
            columns |= {n: np.array(v, dtype=kind)[rows] for n, v in found.items()}
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
