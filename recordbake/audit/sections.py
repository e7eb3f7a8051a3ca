"""The tables of a report, one function each; nothing is read or written here."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from recordbake.audit import charts
from recordbake.audit.page import (
    NONE,
    Cell,
    Page,
    Section,
    Table,
    cells,
    figure_row,
    fill,
    remarks,
    size,
    size_cell,
    tests_cell,
    text_cell,
    visible,
)

if TYPE_CHECKING:
    from recordbake.audit.compare import Comparison
    from recordbake.audit.findings import Finding
    from recordbake.audit.summary import Summary

_REQUEST = ("Request", "code")
_TESTS = ("Tests", "code")
_SIZE = ("Size", "bar")

MISSES = Section(
    "misses", "Live misses by URL", "Requests of the latest replay that the store did not answer",
    (_REQUEST, ("Times", "number"), _TESTS, ("Why, and what to do", "code"),
     ("First seen (UTC)", "time")),
    "No replay shows a live miss.",
)  # fmt: skip
MISSES_BY_TEST = Section(
    "tests", "Live misses by test", "Tests of the latest replay with live misses",
    (("Test", "code"), ("URLs", "number"), ("Requests", "number")),
    "No test shows a live miss.",
)  # fmt: skip
PROBLEMS = Section(
    "problems", "Other findings", "Leaks, processes not hooked, incomplete recordings and damage",
    (("Subject", "code"), ("Kind", "text"), ("Times", "number"), _TESTS, ("What to do", "text")),
    "Nothing else was found.",
)  # fmt: skip
HOSTS = Section(
    "hosts", "Cache size by host", "Bodies in the store by host, largest first",
    (("Host", "code"), ("Entries", "number"), _SIZE), "The store is empty.",
)  # fmt: skip
LARGEST = Section(
    "largest", "Largest entries", "Entries of the store with the largest bodies",
    (_REQUEST, ("Content type", "text"), ("Size", "number")), "The store is empty.",
)  # fmt: skip
HUB = Section(
    "hub", "Hub repositories", "Repositories in the Hub cache, largest first",
    (("Repository", "code"), ("Type", "text"), ("Files", "number"), ("Revisions", "number"), _SIZE),
    "The Hub cache is empty.",
)  # fmt: skip
STALE = Section(
    "stale", "Stale entries", "Entries whose age matters and that are too old, oldest first",
    (_REQUEST, ("Recorded (UTC)", "time"), ("Size", "number"), _TESTS), "No entry is stale.",
)  # fmt: skip
UNUSED = Section(
    "unused", "Unused entries", "Entries that the latest replay did not ask for, oldest first",
    (_REQUEST, ("Recorded (UTC)", "time"), ("Size", "number"), _TESTS),
    "No entry is known to be unused.",
)  # fmt: skip
RUNS = Section(
    "runs", "Runs", "Runs kept in the recording, newest first",
    (("Started (UTC)", "time"), ("Mode", "text"), ("Command", "code"), ("Requests", "number"),
     ("Outcomes", "text"), ("Command exit", "number"), ("Run exit", "number")),
    "No run is kept.",
)  # fmt: skip


COMPARED = Section(
    "compared", "Changes", "Requests whose answers are new, gone or changed",
    (_REQUEST, ("Change", "text"), ("Size before", "number"), ("Size now", "number")),
    "Nothing has changed.",
)  # fmt: skip


def build(summary: Summary) -> Page:
    """The page of an audit."""
    tables: tuple[Table, ...] = (
        _misses(summary.findings),
        _misses_by_test(summary.findings),
        _problems(summary.findings),
        _hosts(summary),
        _largest(summary),
        _hub(summary),
        _aged(STALE, summary.findings),
        _aged(UNUSED, summary.findings),
        _runs(summary),
    )
    if summary.comparison is not None:
        tables = (_compared(summary.comparison), *tables)
    verdict = summary.verdict
    return Page(
        summary.generated_at,
        verdict,
        remarks(verdict),
        figure_row(summary.figures),
        tables,
        charts.build(summary),
    )


def _compared(comparison: Comparison) -> Table:
    rows = (
        (d.key, (*cells(f"{d.method} {d.url}", d.change), *map(_size, (d.before, d.after))))
        for d in comparison.differences
    )
    note = (
        f"Compared with {visible(comparison.other)}: {comparison.new:,} new,"
        f" {comparison.gone:,} gone, {comparison.changed:,} changed;"
        f" bodies {size(comparison.bytes_before)} before, {size(comparison.bytes_after)} now."
    )
    return fill(COMPARED, rows, note)


def _size(number: int | None) -> Cell:
    return Cell((NONE,)) if number is None else size_cell(number)


def _misses(findings: list[Finding]) -> Table:
    rows = []
    for f in findings:
        if f.kind == "live-miss":
            request, times, seen = cells(f.subject, f.evidence["count"], f.evidence["first_seen"])
            why = text_cell(f.evidence["message"] or ", ".join(f.evidence["reasons"]))
            rows.append((f.subject, (request, times, tests_cell(f.tests), why, seen)))
    return fill(MISSES, rows)


def _misses_by_test(findings: list[Finding]) -> Table:
    requests: Counter[str] = Counter()
    urls: Counter[str] = Counter()
    for f in findings:
        if f.kind == "live-miss":
            requests.update(f.evidence["by_test"])
            urls.update(f.evidence["by_test"].keys())
    order = sorted(requests, key=lambda test: (-requests[test], test))
    return fill(
        MISSES_BY_TEST,
        ((t, cells(t or "(no test known)", urls[t], requests[t])) for t in order),
    )


def _problems(findings: list[Finding]) -> Table:
    rows = []
    for f in findings:
        if f.kind not in ("live-miss", "stale", "unused"):
            times = f.evidence.get("count", f.evidence.get("damaged_lines"))
            row = (*cells(f.subject, f.kind, times), tests_cell(f.tests), *cells(f.action))
            rows.append((f"{f.kind} {f.subject}", row))
    return fill(PROBLEMS, rows)


def _hosts(summary: Summary) -> Table:
    most = max((host.bytes for host in summary.hosts), default=0)
    rows = (
        (host.host, (*cells(host.host or "(no host)", host.entries), _bar(host.bytes, most)))
        for host in summary.hosts
    )
    return fill(HOSTS, rows)


def _bar(number: int, most: int) -> Cell:
    return Cell((size(number),), round(100 * number / most, 1) if most else 0.0, number)


def _largest(summary: Summary) -> Table:
    rows = [
        (f"{e.key} {e.take}", (*cells(f"{e.method} {e.url}", e.content_type), size_cell(e.bytes)))
        for e in summary.largest
    ]
    entries = summary.figures.entries
    note = f"The {len(rows)} largest of {entries:,} entries." if entries > len(rows) else ""
    return fill(LARGEST, rows, note)


def _hub(summary: Summary) -> Table:
    most = max((repo.size for repo in summary.hub), default=0)
    problems = summary.figures.hub_problems
    rows = (
        (
            f"{r.repo_type} {r.repo_id}",
            (*cells(r.repo_id, r.repo_type, r.files, r.revisions), _bar(r.size, most)),
        )
        for r in summary.hub
    )
    note = f"Directories that could not be understood: {problems:,}." if problems else ""
    return fill(HUB, rows, note)


def _aged(section: Section, findings: list[Finding]) -> Table:
    chosen = [f for f in findings if f.kind == section.id]
    chosen.sort(key=lambda f: (f.evidence["recorded_at"] or "", f.subject, f.evidence["key"]))
    rows = (
        (
            f"{f.evidence['key']} {f.evidence['take']}",
            (
                *cells(f.subject, f.evidence["recorded_at"]),
                size_cell(f.evidence["bytes"]),
                tests_cell(f.tests),
            ),
        )
        for f in chosen
    )
    return fill(section, rows)


def _runs(summary: Summary) -> Table:
    rows = []
    for run in reversed(summary.runs):
        outcomes = ", ".join(f"{n:,} {outcome}" for outcome, n in run.outcomes.items())
        row = cells(run.started_at, run.mode, shlex.join(run.command), run.requests, outcomes)
        rows.append((run.run, (*row, *cells(run.command_exit_code, run.exit_code))))
    return fill(RUNS, rows)
