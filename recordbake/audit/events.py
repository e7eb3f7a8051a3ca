"""Journals as one table: read line by line, each distinct text kept once.

An event of a run that is judged costs some 100 bytes here, whatever its line holds; of other runs
events are counted, so that gigabytes of them cost what is distinct in them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pandas as pd

from recordbake.audit.columns import (
    FLAG_COLUMNS,
    GROUPED_TEXT,
    INTEGER_COLUMNS,
    KEPT,
    LAST_SECOND,
    TEXT_COLUMNS,
    Texts,
    clean,
)
from recordbake.audit.hits import HitReader
from recordbake.audit.lines import JOURNAL_VERSION, batches, parse
from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from recordbake.audit.hits import Hits

#: What most lines are, decoded at once into just the fields that are kept; a line with a field of
#: another type, or with what msgspec does not take, goes the long way of :func:`lines.parse`.
_LINE: Any = msgspec.defstruct(
    "_LINE",
    [
        ("ts", float),
        ("v", "int | None", None),
        ("test", "str | None", None),
        *((name, "str | None", None) for name in GROUPED_TEXT),
        *((name, "int | None", None) for name in INTEGER_COLUMNS),
        *((name, "bool | None", None) for name in FLAG_COLUMNS),
    ],
    gc=False,
)
#: Of the line's values.
_TS, _VERSION, _TEST, _GROUP = 0, 1, 2, slice(3, None)
_EVENT = 3 + GROUPED_TEXT.index("event")
#: Of a group.
_NUMBERS = slice(len(GROUPED_TEXT), len(GROUPED_TEXT) + len(INTEGER_COLUMNS))
_FLAGS = slice(_NUMBERS.stop, None)
_KNOWN_VERSIONS = frozenset({None, JOURNAL_VERSION})
_MOST_GROUPS = 100_000  # remembered at a time
_decode, _astuple = msgspec.json.Decoder(_LINE).decode, msgspec.structs.astuple


def _values(line: bytes) -> tuple[Any, ...] | None:
    """A line's fields; None where it is not as guests write it."""
    try:
        values = _astuple(_decode(line))
    # Of msgspec's, only from 0.21 on a ValueError itself.
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    is_plain = (
        values[_EVENT] is not None
        and values[_VERSION] in _KNOWN_VERSIONS
        and 0 <= values[_TS] <= LAST_SECOND
    )
    return values if is_plain else None


class _Counts:
    """How many events have a row of the table of groups, and when the first of them was."""

    def __init__(self) -> None:
        self.numbers: Counter[int] = Counter()
        self.first: dict[int, float] = {}

    def add(self, row: int, ts: float) -> None:
        """Count an event."""
        self.numbers[row] += 1
        self.first[row] = min(ts, self.first.get(row, ts))


class EventTable:
    """Collects events; :meth:`frame` hands them over as a data frame.

    An event is its time, its run, its test and a row of the table of groups, in which equal rows
    stand once, as far as they are remembered.
    """

    def __init__(self) -> None:
        self._ts = array("d")
        self._run, self._test = Texts(), Texts()
        self._group = array("i")
        self._rows: dict[tuple[Any, ...], int] = {}
        self._size = 0
        self._texts = {name: Texts() for name in GROUPED_TEXT}
        self._texts_of_rows = [(texts.codes.append, texts.known) for texts in self._texts.values()]
        self._integers = {name: array("q") for name in INTEGER_COLUMNS}
        self._flags = {name: array("b") for name in FLAG_COLUMNS}
        self._counts: dict[int, int] = {}  # of the events that stand for more than one

    def read(self, path: Path, run: str, *, whole: bool = True) -> int:
        """Add the events of a journal that findings are made of.

        Args:
            path: the journal; may be missing.
            run: identifier of its run.
            whole: keep each event; otherwise those that are equal but for time and test become
                one, counted, with the time of the first (hits have none), without tests.

        Returns:
            How many lines are damaged: torn, not JSON, or without a valid time or event.

        Raises:
            DamagedError: the journal was written by a newer format or cannot be read.
        """
        damaged = 0
        counts = None if whole else _Counts()
        hits = HitReader(self._decoded)
        try:
            with path.open("rb", buffering=0) as stream:
                for batch in batches(stream):
                    found = hits.read(batch)
                    self._take_hits(found, run, counts)
                    for line in self._take_plain(found.rest, run, counts):
                        event = parse(line, path)
                        if event is None:
                            damaged += 1
                        elif event["event"] in KEPT:
                            self.append(run, event, counts)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DamagedError(
                f"the journal cannot be read: {error.strerror}",
                where=path,
                next_step="make it readable, or delete that run's directory",
            ) from error
        if counts is not None:
            for row, number in counts.numbers.items():
                self._counts[len(self._group)] = number
                self._add(run, counts.first.get(row, np.nan), None, row)
        return damaged

    def append(self, run: str, event: dict[str, Any], counts: _Counts | None = None) -> None:
        """Add one event.

        Args:
            run: identifier of the run whose journal it stands in.
            event: the line, with a valid ``ts``.
            counts: where to count it, instead of keeping it.
        """
        texts = {
            name: None if event.get(name) is None else clean(event[name])
            for name in (*GROUPED_TEXT, "test")
        }
        # Type checks, not isinstance: true is not a number here.
        numbers = [event.get(n) if type(event.get(n)) is int else None for n in INTEGER_COLUMNS]
        flags = [event.get(name) is True for name in FLAG_COLUMNS]
        group = (*(texts[name] for name in GROUPED_TEXT), *numbers, *flags)
        row = self._row(group)
        if counts is None:
            self._add(run, event["ts"], texts["test"], row)
        else:
            counts.add(row, event["ts"])

    def add_counted(self, run: str, event: dict[str, Any], number: int) -> None:
        """Add one event that stands for that many; its ``ts`` is that of the first, or NaN."""
        if number != 1:
            self._counts[len(self._group)] = number
        self.append(run, event)

    def _add(self, run: str, ts: float, test: str | None, row: int) -> None:
        self._ts.append(ts)
        self._run.append(run)
        self._test.append(test)
        self._group.append(row)

    def _take_hits(self, hits: Hits, run: str, counts: _Counts | None) -> None:
        """Add hits; nothing is made of their times."""
        if counts is not None:
            counts.numbers.update(hits.rows)
            return
        self._ts.extend(array("d", [np.nan]) * len(hits.rows))
        self._run.repeat(run, len(hits.rows))
        for test, number in hits.tests:
            self._test.repeat(test, number)
        self._group.extend(array("i", hits.rows))

    def _decoded(self, line: bytes) -> tuple[str | None, int] | None:
        """The test and the row of a line as guests write it."""
        values = _values(line)
        return None if values is None else (values[_TEST], self._row(values[_GROUP]))

    def _take_plain(
        self, found: Iterable[bytes], run: str, counts: _Counts | None
    ) -> Iterator[bytes]:
        """Add the lines that are as guests write them; hands on the others, but no blank ones."""
        for line in found:
            values = _values(line)
            if values is None:
                if line.strip():
                    yield line
            elif values[_EVENT] in KEPT:
                row = self._row(values[_GROUP])
                if counts is None:
                    self._add(run, values[_TS], values[_TEST], row)
                else:
                    counts.add(row, values[_TS])

    def _row(self, group: tuple[Any, ...]) -> int:
        row = self._rows.get(group)
        return self._add_row(group) if row is None else row

    def _add_row(self, group: tuple[Any, ...]) -> int:
        for (add, known), value in zip(self._texts_of_rows, group, strict=False):
            add(-1 if value is None else known.setdefault(value, len(known)))
        numbers, flags = group[_NUMBERS], group[_FLAGS]
        for integers, value in zip(self._integers.values(), numbers, strict=True):
            integers.append(value if value is not None and 0 <= value < 1 << 63 else -1)
        for column, value in zip(self._flags.values(), flags, strict=True):
            column.append(value is True)
        if len(self._rows) >= _MOST_GROUPS:
            self._rows.clear()
        self._rows[group] = self._size
        self._size += 1
        return self._size - 1

    def frame(self) -> pd.DataFrame:
        """The events: ``ts`` (Unix seconds, UTC), ``count``, text, integer and flag columns."""
        rows = np.array(self._group, dtype=np.int32)
        texts = {name: texts.column(rows) for name, texts in self._texts.items()}
        texts |= {"run": self._run.column(), "test": self._test.column()}
        counts = np.ones(len(rows), dtype=np.int64)
        counts[list(self._counts)] = list(self._counts.values())
        columns: dict[str, Any] = {"ts": np.array(self._ts, dtype=np.float64), "count": counts}
        columns |= {name: texts[name] for name in TEXT_COLUMNS}
        for kind, found in ((np.int64, self._integers), (np.bool_, self._flags)):
            columns |= {n: np.array(v, dtype=kind)[rows] for n, v in found.items()}
        frame: pd.DataFrame = pd.DataFrame(columns, copy=False)
        return frame
