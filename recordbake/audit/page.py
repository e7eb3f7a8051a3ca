"""What the templates show: plain dataclasses of text that is ready to read.

Text here is not escaped for HTML or Markdown: that is the templates' work, for all of it.
Nothing is read or written here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.from_audit import KEEP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordbake.audit.charts import Chart
    from recordbake.audit.summary import Figures
    from recordbake.audit.verdict import Verdict

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
    """One number of the first screen; ``tone`` is ``good``, ``bad`` or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Cell:
    """A table cell of one or more lines; ``share`` (0 to 100) draws a bar, ``order`` sorts."""

    lines: tuple[str, ...]
    share: float | None = None
    order: int | None = None


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
    """A whole report; ``remarks`` say what the verdict's sentence leaves out."""

    generated_at: str
    verdict: Verdict
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


def size_cell(number: int) -> Cell:
    """A cell with a size in bytes, for people."""
    return Cell((size(number),), order=number)


def tests_cell(tests: tuple[str, ...]) -> Cell:
    """A cell that names the first few tests."""
    more = len(tests) - MOST_TESTS
    lines = tuple(visible(test) for test in tests[:MOST_TESTS])
    return Cell((*lines, f"and {more:,} more") if more > 0 else lines or (NONE,))


def text_cell(text: str) -> Cell:
    """A cell of several lines."""
    return Cell(tuple(visible(line.strip()) for line in text.splitlines()) or (NONE,))


def anchor(section: str, subject: str) -> str:
    """An id for a row: the same in every report, and safe whatever the subject is."""
    digest = hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()
    return f"{section}-{digest[:12]}"


def fill(section: Section, rows: Iterable[tuple[str, tuple[Cell, ...]]], note: str = "") -> Table:
    """A table of the first rows; each is given as its subject, unique in the table, and cells."""
    found = list(rows)
    if len(found) > MOST_ROWS:
        note = f"{len(found) - MOST_ROWS:,} more in audit.json. {note}".strip()
    shown = tuple(Row(anchor(section.id, subject), row) for subject, row in found[:MOST_ROWS])
    return Table(section, shown, len(found), note)


def remarks(verdict: Verdict) -> tuple[str, ...]:
    """What the verdict's command will cost, and the reasons that its sentence leaves out."""
    said = []
    if verdict.decision == KEEP:
        said.append("Nothing needs recording; this replays it without a network.")
    elif verdict.requests:
        noun = "request" if verdict.requests == 1 else "requests"
        said.append(f"Fetches about {verdict.requests:,} {noun}, {size(verdict.bytes)}.")
    others = [reason for reason in verdict.reasons if reason not in verdict.sentence]
    if others:
        said.append(f"Also found: {', '.join(others)}.")
    return tuple(said)


def figure_row(f: Figures) -> tuple[Figure, ...]:
    """The five figures of the first screen."""
    rest = {k: n for k, n in f.outcomes.items() if k not in ("hit", "blocked", "forwarded")}
    others = ", ".join(f"{n:,} {visible(outcome)}" for outcome, n in sorted(rest.items()))
    missed = [o for o in ("blocked", "forwarded") if o in f.outcomes]
    share = f"{100 * f.hits / f.requests:.4g} %" if f.requests and f.hits is not None else ""
    http, hub = size(f.http_bytes), size(f.hub_bytes)
    return (
        Figure(
            "Requests",
            _number(f.requests),
            _notes(others, _change(f, "requests")) if f.replay_run else "no replay yet",
        ),
        Figure("Hits", _number(f.hits), _notes(share, _change(f, "hits"))),
        Figure(
            "Live misses",
            _number(f.live_misses),
            _notes(*(f"{f.outcomes[o]:,} {o}" for o in missed), _change(f, "live_misses")),
            _tone(f.live_misses),
        ),
        Figure("Cache size", size(f.cache_bytes), f"HTTP {http}, Hub {hub}"),
        Figure(
            "Stale entries", f"{f.stale:,}", f"over {f.stale_after_days:g} days old", _tone(f.stale)
        ),
    )


def _change(f: Figures, name: str) -> str:
    """The change of a figure since the replay before, in words."""
    if f.before is None:
        return ""
    change = getattr(f, name) - f.before[name]
    return f"{change:+,} since the replay before" if change else "as in the replay before"


def _notes(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _number(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _tone(value: int | None) -> str:
    return "" if value is None else "bad" if value else "good"
