"""The tables about findings and entries, linked with each other; nothing is read here."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from recordbake.audit import sections
from recordbake.audit.evidence import why
from recordbake.audit.page import (
    MOST_ROWS,
    NONE,
    Cell,
    anchor,
    cells,
    fill,
    linked_cell,
    moment_cell,
    size_cell,
    text_cell,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordbake.audit.findings import Finding
    from recordbake.audit.page import Section, Table
    from recordbake.audit.summary import Entry, Summary

    Made = tuple[str, tuple[Cell, ...]]

#: Kinds with a table of their own; the others share one.
_OWN = {"live-miss": "misses", "stale": "stale", "unused": "unused"}


class Linked:
    """The tables of findings, tests and entries, which link to each other.

    From a URL to the tests that ask for it, from there to what else they ask for, to the entries
    and their takes. A link is set only where its row is shown.
    """

    def __init__(self, summary: Summary) -> None:
        self._by_section: dict[str, list[Finding]] = defaultdict(list)
        for finding in summary.findings:
            self._by_section[_section(finding)].append(finding)
        for name in ("stale", "unused"):
            self._by_section[name].sort(key=_age)
        self._shown = [f for found in self._by_section.values() for f in found[:MOST_ROWS]]
        self._entries = summary.entries
        self._first_take: dict[str, Entry] = {}
        for entry in summary.entries:
            self._first_take.setdefault(entry.key, entry)
        self._takes = {(entry.key, entry.take) for entry in summary.entries}
        self._several = {key for key, take in self._takes if take}
        self._all = summary.figures.entries
        self._tests = self._rank_tests(summary.findings)
        self._linked = set(list(self._tests)[:MOST_ROWS])

    def _rank_tests(self, findings: list[Finding]) -> dict[str, tuple[int, int]]:
        """The tests shown, with how many live misses and other findings each has."""
        misses: dict[str, int] = defaultdict(int)
        others: dict[str, int] = defaultdict(int)
        for finding in findings:
            if finding.kind == "live-miss":
                for test, number in finding.evidence["by_test"].items():
                    misses[test] += number
            else:
                for test in finding.tests:
                    others[test] += 1
        named = {*misses, *others, *(test for entry in self._entries for test in entry.tests)}
        order = sorted(named, key=lambda test: (-misses[test], -others[test], test))
        return {test: (misses[test], others[test]) for test in order}

    def misses(self) -> Table:
        """Live misses by URL."""

        def row(f: Finding) -> Made:
            (times,) = cells(f.evidence["count"])
            seen = moment_cell(f.evidence["first_seen"])
            reason = text_cell(f.evidence["message"] or ", ".join(f.evidence["reasons"]))
            tests = self.tests_cell(f.tests)
            return _row_name(f), (self._subject(f), times, tests, reason, seen)

        return fill(sections.MISSES, self._by_section["misses"], row)

    def problems(self) -> Table:
        """Findings of the kinds that have no table of their own."""

        def row(f: Finding) -> Made:
            times = cells(f.evidence.get("count", f.evidence.get("damaged_lines")))
            kind = Cell((f.kind, f.severity), tone=f.severity)
            tests = self.tests_cell(f.tests)
            return _row_name(f), (self._subject(f), kind, *times, tests, _advice(f))

        return fill(sections.PROBLEMS, self._by_section["problems"], row)

    def stale(self) -> Table:
        """Entries that are too old."""
        return self._aged(sections.STALE)

    def unused(self) -> Table:
        """Entries that no replay asked for."""
        return self._aged(sections.UNUSED)

    def _aged(self, section: Section) -> Table:
        def row(f: Finding) -> Made:
            recorded = moment_cell(f.evidence["recorded_at"])
            made = (self._subject(f), recorded, size_cell(f.evidence["bytes"]),
                    self.tests_cell(f.tests))  # fmt: skip
            return _row_name(f), (*made, _advice(f)) if section.id == "unused" else made

        return fill(section, self._by_section[section.id], row)

    def tests(self) -> Table:
        """Tests, and what each asks for among what is shown."""
        asked: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for f in self._by_section["misses"][:MOST_ROWS]:
            for test in f.tests:
                asked[test].append((f.subject, _anchor(f)))
        for entry in self._entries:
            for test in entry.tests:
                asked[test].append((_request(entry), self._entry_link(entry.key, entry.take)))

        def row(test: str) -> Made:
            counted = cells(test or "(no test known)", *self._tests[test])
            return test, (*counted, linked_cell(asked[test]))

        return fill(sections.TESTS, list(self._tests), row)

    def entries(self) -> Table:
        """Entries, each take a row."""
        about: dict[tuple[str, int | None], list[tuple[str, str]]] = defaultdict(list)
        for f in self._shown:
            for key in _keys(f):
                about[key, f.evidence.get("take")].append((f.kind, _anchor(f)))

        def row(e: Entry) -> Made:
            found = linked_cell([*about[e.key, e.take], *about[e.key, None]])
            answer = (str(e.status) if e.status > 0 else "failed", e.content_type)
            take = f"take {e.take}" if e.key in self._several else ""
            shown = text_cell("\n".join((" ".join(answer).strip(), take)).strip())
            made = (*cells(f"{e.method} {e.url}"), shown, size_cell(e.bytes),
                    moment_cell(e.recorded_at), self.tests_cell(e.tests), found)  # fmt: skip
            return f"{e.key} {e.take}", made

        number = len(self._entries)
        note = f"{number:,} of {self._all:,} entries." if self._all > number else ""
        return fill(sections.ENTRIES, self._entries, row, note, most=number)

    def _subject(self, finding: Finding) -> Cell:
        keys = _keys(finding)
        link = self._entry_link(keys[0], finding.evidence.get("take")) if keys else ""
        return linked_cell([(finding.subject, link)])

    def _entry_link(self, key: str, take: int | None) -> str:
        if take is None and key in self._first_take:
            take = self._first_take[key].take
        return anchor("entries", f"{key} {take}") if (key, take) in self._takes else ""

    def tests_cell(self, tests: Iterable[str]) -> Cell:
        """The first few of these tests, each with a link to what it asks for."""
        return linked_cell([(t, anchor("tests", t) if t in self._linked else "") for t in tests])


#: Evidence that tells apart findings of one kind about one subject.
_NAMING = ("key", "take", "takes", "sha256", "digest")


def _section(finding: Finding) -> str:
    return _OWN.get(finding.kind, "problems")


def _keys(finding: Finding) -> list[str]:
    one = finding.evidence.get("key")
    return list(finding.evidence.get("keys") or ([one] if one else []))


def _age(finding: Finding) -> tuple[str, str, str]:
    evidence = finding.evidence
    return evidence["recorded_at"] or "", finding.subject, evidence["key"]


def _row_name(finding: Finding) -> str:
    """What a row is known by: the same in every report."""
    evidence = finding.evidence
    if finding.kind in ("stale", "unused"):
        return f"{evidence['key']} {evidence['take']}"
    if finding.kind == "live-miss":
        return finding.subject
    parts = [str(evidence[name]) for name in _NAMING if name in evidence]
    return " ".join((finding.kind, finding.subject, *parts))


def _anchor(finding: Finding) -> str:
    return anchor(_section(finding), _row_name(finding))


def _advice(finding: Finding) -> Cell:
    sentences = [text for text in (why(finding), finding.action) if text]
    return text_cell("\n".join(text[0].upper() + text[1:] for text in sentences) or NONE)


def _request(entry: Entry) -> str:
    take = f" (take {entry.take})" if entry.take else ""
    return f"{entry.method} {entry.url}{take}"
