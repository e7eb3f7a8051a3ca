"""Outcomes test by test, from JUnit XML, and what differs between two runs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Test id to what became of it: passed, failed, error, skipped or xfailed, joined where a test
#: both failed and had an error in its teardown, or where an id occurs twice.
Outcomes = dict[str, str]

#: Parameters of a test may hold the time at which it was collected.
_TIME = re.compile(r"\b\d\d:\d\d:\d\d\b")


def read(path: Path) -> tuple[Outcomes, dict[str, str]]:
    """The outcomes of a run, and the first line of what each failure said.

    Raises:
        OSError, ET.ParseError: the run wrote no report.
    """
    seen: defaultdict[str, list[str]] = defaultdict(list)
    messages: dict[str, str] = {}
    for case in ET.parse(path).iter("testcase"):
        test = _TIME.sub("TIME", f"{case.get('classname')}::{case.get('name')}")
        found = [child for child in case if child.tag in ("failure", "error", "skipped")]
        for child in found:
            kind = {"failure": "failed", "skipped": "skipped", "error": "error"}[child.tag]
            seen[test].append("xfailed" if child.get("type") == "pytest.xfail" else kind)
            messages[test] = (child.get("message") or "").partition("\n")[0][:200]
        if not found:
            seen[test].append("passed")
    return {test: "+".join(sorted(kinds)) for test, kinds in seen.items()}, messages


@dataclass(frozen=True)
class Verdict:
    """A suite's four runs, compared.

    Args:
        live: outcomes with the server, without recordbake.
        alone: outcomes without the server and without recordbake.
        record: outcomes while recording.
        replay: outcomes in a strict replay with the server gone.
        unstable: tests whose outcome differs between two live runs.
    """

    live: Outcomes
    alone: Outcomes
    record: Outcomes
    replay: Outcomes
    unstable: frozenset[str] = frozenset()

    @property
    def tests(self) -> list[str]:
        """All that were seen in any run, in order, without the unstable ones."""
        runs = self.live | self.alone | self.record | self.replay
        return sorted(set(runs) - self.unstable)

    def needs_server(self, test: str) -> bool:
        """Whether a test ends differently when its server is not there."""
        return self.live.get(test) != self.alone.get(test)

    def differing(self, run: Outcomes, *, needing: bool) -> list[str]:
        """Tests (that need the server, or that don't) which did not end as live."""
        return [
            test
            for test in self.tests
            if self.needs_server(test) is needing and run.get(test) != self.live.get(test)
        ]

    def modules(self) -> dict[str, list[int]]:
        """Of each module, how many tests need the server, and are the same recorded, replayed."""
        found: dict[str, list[int]] = {}
        for test in filter(self.needs_server, self.tests):
            counts = found.setdefault(test.partition("::")[0], [0, 0, 0])
            counts[0] += 1
            counts[1] += self.record.get(test) == self.live.get(test)
            counts[2] += self.replay.get(test) == self.live.get(test)
        return found

    def count(self, *, needing: bool) -> int:
        """How many tests need the server, or don't."""
        return sum(self.needs_server(test) is needing for test in self.tests)
