"""Reading what hooked processes reported: journal shards, and the tests' outcomes in them."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import merge as merge_sorted
from typing import TYPE_CHECKING, Any

from recordbake.guest.codec import DAMAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from recordbake.recording import Run


@dataclass
class Outcomes:
    """What the journal says of a run's tests.

    ``passed`` and ``ran`` hold test identifiers; a test that was run again counts by its last try.
    ``hits`` are the keys of what a recording run answered from the store.
    """

    passed: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    hits: set[str] = field(default_factory=set)


#: How a guest's line begins: its time need not be looked for.
_BEGINS = re.compile(rb'\{"v":1,"ts":([0-9]{1,12}\.[0-9]{1,12}),')

LONGEST_LINE = 1 << 20  # bytes; what is longer was not written by a guest


def bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank; of one that is too long, a piece that does not parse."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield b"{\n"
        elif line.strip():
            yield line


def journal_lines(run: Run) -> Iterator[bytes]:
    """The lines of a run's journal shards, in time order."""

    def lines(path: Path) -> Iterator[tuple[float, bytes]]:
        last = 0.0
        with path.open("rb") as stream:
            for line in bounded_lines(stream):
                # A damaged line is kept where it stood: the audit counts it.
                with suppress(*DAMAGE):
                    begins = _BEGINS.match(line)
                    last = max(last, float(begins[1] if begins else json.loads(line)["ts"]))
                # So is one that was torn by a full disk or a power cut.
                yield last, line if line.endswith(b"\n") else line + b"\n"

    return (
        line
        for _, line in merge_sorted(
            *map(lines, sorted(run.shards.glob("*.ndjson"))), key=lambda pair: pair[0]
        )
    )


def outcomes_of_tests(events: Iterable[dict[str, Any]]) -> Outcomes:
    """Fold ``test`` events, in time order.

    A test passed if its last call did and no phase failed after it. A skipped test did not: a
    suite that skips itself when a server is down vouches for nothing.
    """
    outcomes = Outcomes()
    for event in events:
        test = event.get("test")
        if event.get("event") != "test" or not isinstance(test, str) or not test:
            continue
        outcomes.ran.add(test)
        if event.get("outcome") == "passed" and event.get("phase") == "call":
            outcomes.passed.add(test)
        elif event.get("outcome") != "passed":
            outcomes.passed.discard(test)
    return outcomes
