"""The page of an audit, from what was found; nothing is read or written here."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from recordbake.audit import charts, sections
from recordbake.audit.firstscreen import by_hand, figure_row, remarks
from recordbake.audit.page import (
    NONE,
    Cell,
    Page,
    Table,
    cells,
    fill,
    moment_cell,
    size,
    size_cell,
    visible,
)  # fmt: skip
from recordbake.audit.tables import Linked

if TYPE_CHECKING:
    from recordbake.audit.compare import Comparison, Difference
    from recordbake.audit.hub import HubRepo
    from recordbake.audit.summary import Host, RunRow, Summary

    Made = tuple[str, tuple[Cell, ...]]


def build(summary: Summary) -> Page:
    """The page of an audit."""
    linked = Linked(summary)
    tables: tuple[Table, ...] = (
        linked.misses(), linked.problems(), linked.stale(), linked.unused(), linked.tests(),
        linked.entries(), _hosts(summary), _hub(summary), _runs(summary),
    )  # fmt: skip
    if summary.comparison is not None:
        tables = (_compared(summary.comparison), *tables)
    return Page(
        summary.generated_at,
        summary.verdict,
        tuple(map(visible, (summary.verdict.command, *summary.verdict.then))),
        linked.tests_cell(summary.verdict.tests) if summary.verdict.tests else None,
        by_hand(summary.verdict),
        remarks(summary.verdict),
        figure_row(summary.figures),
        tables,
        charts.build(summary),
    )


def _compared(comparison: Comparison) -> Table:
    def row(d: Difference) -> Made:
        sizes = map(_size, (d.before, d.after))
        return d.key, (*cells(f"{d.method} {d.url}", d.change), *sizes)

    note = (
        f"Compared with {visible(comparison.other)}: {comparison.new:,} new,"
        f" {comparison.gone:,} gone, {comparison.changed:,} changed;"
        f" bodies {size(comparison.bytes_before)} before, {size(comparison.bytes_after)} now."
    )
    return fill(sections.COMPARED, comparison.differences, row, note)


def _size(number: int | None) -> Cell:
    return Cell((NONE,)) if number is None else size_cell(number)


def _hosts(summary: Summary) -> Table:
    most = max((host.bytes for host in summary.hosts), default=0)

    def row(host: Host) -> Made:
        named = cells(host.host or "(no host)", host.entries)
        return host.host, (*named, _bar(host.bytes, most))

    return fill(sections.HOSTS, summary.hosts, row)


def _bar(number: int, most: int) -> Cell:
    return Cell((size(number),), round(100 * number / most, 1) if most else 0.0, number)


def _hub(summary: Summary) -> Table:
    most = max((repo.size for repo in summary.hub), default=0)
    problems = summary.figures.hub_problems

    def row(r: HubRepo) -> Made:
        counted = cells(r.repo_id, r.repo_type, r.files, r.revisions)
        return f"{r.repo_type} {r.repo_id}", (*counted, _bar(r.size, most))

    note = f"Directories that could not be understood: {problems:,}." if problems else ""
    return fill(sections.HUB, summary.hub, row, note)


def _runs(summary: Summary) -> Table:
    def row(run: RunRow) -> Made:
        told = [f"{n:,} {outcome}" for outcome, n in run.outcomes.items()]
        told += [f"{run.damaged_lines:,} damaged lines"] if run.damaged_lines else []
        did = cells(run.mode, shlex.join(run.command), run.requests, ", ".join(told))
        exits = cells(run.command_exit_code, run.exit_code)
        return run.run, (moment_cell(run.started_at), *did, *exits)

    return fill(sections.RUNS, summary.runs[::-1], row)
