"""What the templates show: plain dataclasses of text that is ready to read.

Text here is not escaped for HTML or Markdown: that is the templates' work, for all of it.
Nothing is read or written here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recordbake.audit.svg import Chart
    from recordbake.audit.verdict import Verdict

T = TypeVar("T")

#: Rows of a table that the page shows; the rest is in audit.json.
MOST_ROWS = 300
#: Tests that one row names.
MOST_TESTS = 5
#: What stands where there is nothing to say.
NONE = "—"

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
#: Characters that would be invisible or turn the reading direction around.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Figure:
    """One number of the first screen.

    Args:
        note: what it consists of.
        change: since the last run.
        tone: ``good``, ``bad`` or empty.
    """

    label: str
    value: str
    note: str = ""
    change: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Cell:
    """A table cell.

    Args:
        lines: its text.
        share: 0 to 100, draws a bar.
        order: a number to sort by.
        tone: ``error``, ``warning`` or ``info``: how bad its last line is.
        links: for each line the id of a row of this page that it leads to, or nothing.
    """

    lines: tuple[str, ...]
    share: float | None = None
    order: int | None = None
    tone: str = ""
    links: tuple[str, ...] = ()

    @property
    def linked(self) -> list[tuple[str, str | None]]:
        """Each line with its link; None where the line is not about a row: ``and 3 more``."""
        return list(zip_longest(self.lines, self.links or [""] * len(self.lines)))


@dataclass(frozen=True)
class Row:
    """A table row with the id that links point to; its first cell names it."""

    id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Section:
    """What a table is, whatever it holds.

    Args:
        columns: headings with the kind of their cells: ``text``, ``code``, ``time``, ``number``
            or ``bar``.
        empty: what to say when there are no rows.
    """

    id: str
    title: str
    caption: str
    columns: tuple[tuple[str, str], ...]
    empty: str


@dataclass(frozen=True)
class Table:
    """A section with the rows shown, of ``total``, and a note to stand below them."""

    section: Section
    rows: tuple[Row, ...]
    total: int
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Args:
        commands: of the verdict, in order.
        tests: that they run; none if all have to.
        by_hand: what recording does not mend.
        remarks: what the verdict's sentence leaves out.
    """

    generated_at: str
    verdict: Verdict
    commands: tuple[str, ...]
    tests: Cell | None
    by_hand: str
    remarks: tuple[str, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()


def size(number: int) -> str:
    """Bytes for people, in powers of 1000."""
    if number < 1000:  # noqa: PLR2004
        return "1 byte" if number == 1 else f"{number} bytes"
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004  (would round to 1000)
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 9.95 else f"{value:,.0f} {_UNITS[unit]}"  # noqa: PLR2004


def visible(text: str) -> str:
    """Text with its control and direction characters written out, so that nothing hides."""
    return _INVISIBLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def cells(*values: str | int | None) -> tuple[Cell, ...]:
    """Cells of one line each: text, a number with separators, or nothing."""
    return tuple(
        Cell((f"{value:,}",), order=value)
        if isinstance(value, int)
        else Cell((visible(value or NONE),))
        for value in values
    )


def moment_cell(time: str | None) -> Cell:
    """A cell with a time (UTC, ISO 8601) to the minute."""
    return Cell((visible(time[:16].replace("T", " ") if time else NONE),))


def size_cell(number: int) -> Cell:
    """A cell with a size in bytes, for people."""
    return Cell((size(number),), order=number)


def linked_cell(lines: Sequence[tuple[str, str]]) -> Cell:
    """A cell of the first few lines, each with the id of the row that it leads to."""
    more = len(lines) - MOST_TESTS
    texts = tuple(visible(text) for text, _ in lines[:MOST_TESTS])
    links = tuple(link for _, link in lines[:MOST_TESTS])
    return Cell((*texts, f"and {more:,} more") if more > 0 else texts or (NONE,), links=links)


def text_cell(text: str) -> Cell:
    """A cell of several lines."""
    return Cell(tuple(visible(line.strip()) for line in text.splitlines()) or (NONE,))


def anchor(section: str, subject: str) -> str:
    """An id for a row: the same in every report, and safe whatever the subject is."""
    digest = hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()
    return f"{section}-{digest[:12]}"


def fill(
    section: Section,
    found: Sequence[T],
    row: Callable[[T], tuple[str, tuple[Cell, ...]]],
    note: str = "",
    *,
    most: int = MOST_ROWS,
) -> Table:
    """A table of the first of what was found.

    Args:
        section: what the table is.
        found: what each row is about.
        row: makes one: its subject, unique in the table, and its cells.
        note: what is to stand below it.
        most: how many rows are shown.
    """
    if len(found) > most:
        note = f"{len(found) - most:,} more in audit.json. {note}".strip()
    rows = map(row, found[:most])
    shown = tuple(Row(anchor(section.id, subject), cells) for subject, cells in rows)
    return Table(section, shown, len(found), note)
