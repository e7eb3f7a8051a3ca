"""The table of faults: on the terminal, as JSON and Markdown, and the page in the documentation."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from tests.faults.catalogue import faults
from tests.faults.fault import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

KINDS = ("lost", "hung", "wrong")
_HEAD = """\
# Faults

<!-- made by: nox -s faults -->

`nox -s faults` does the harm below, as often as the table says, and looks at what is left. *Lost*: something that
was reported as kept is not there or not whole. *Hung*: something that does not end. *Wrong*: a wrong answer, a
half-written output under its final name, a traceback, litter that stays, an error without a word or with the wrong
exit code. Each fault is a file in `tests/faults/catalogue/`, which says what is done and what is looked at; the
ordinary tests inject each some times, too.
"""  # noqa: E501  # a page
_TABLE = "| fault | times injected | lost | hung | wrong |\n| --- | --- | --- | --- | --- |\n"


def line(row: Row) -> str:
    """A row of the table."""
    if row.not_possible and not row.injected:
        return f"| {row.name} | not here: {row.not_possible} | | | |\n"
    counts = " | ".join(str(len(row.problems[kind])) for kind in KINDS)
    return f"| {row.name} | {row.injected} | {counts} |\n"


def table(rows: Iterable[Row]) -> str:
    """All rows, a table for each group."""
    parts = []
    for group, found in groupby(rows, key=lambda row: row.group):
        parts.append(f"\n## {group}\n\n{_TABLE}" + "".join(map(line, found)))
    return "".join(parts)


def total(rows: Sequence[Row]) -> str:
    """The last line."""
    counts = ", ".join(f"{sum(len(r.problems[kind]) for r in rows)} {kind}" for kind in KINDS)
    return f"{len(rows)} faults, {sum(row.injected for row in rows)} times injected: {counts}"


def write(rows: Sequence[Row], reports: Path, page: Path | None = None) -> None:
    """Write ``faults.json``, ``faults.md`` and, if asked for, the page of the documentation.

    Faults that were not injected this time keep what ``faults.json`` says of them.
    """
    reports.mkdir(parents=True, exist_ok=True)
    found = {row.name: row for row in [*_before(reports / "faults.json"), *rows]}
    every = [found[fault.name] for fault in faults() if fault.name in found]
    text = json.dumps([asdict(row) for row in every], indent=1) + "\n"
    (reports / "faults.json").write_text(text)
    for path in filter(None, (reports / "faults.md", page)):
        path.write_text(_page(every))


def _before(path: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(path.read_text())] if path.exists() else []


def _page(rows: Sequence[Row]) -> str:
    return f"{_HEAD}{table(rows)}\nIn all: {total(rows)}.\n"
