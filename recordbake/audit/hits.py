"""Hits, told by the bytes of their lines: most of a journal is nothing else (ADR 0042).

A guest writes them in one fixed layout (:meth:`recordbake.guest.events.Journal.hit`), of which two
parts repeat: the one that names the test, and the one that names the request. A line whose parts
have all been decoded before, as parts of a line of this very layout, needs no decoding; any other
line goes the ordinary way. So what is told of a line is what the ordinary way would tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: A string or a missing one as JSON; whether it is one indeed, decoding its first line tells.
_TEXT = rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|null)'
_START = rb'\{"v":1,"ts":[1-9][0-9]{9}\.[0-9]{1,9}(?=,)'
_HEAD = (
    rb',"run":%b,"event":"request","mode":%b,"outcome":"hit","from_cache":true,"suspect":false,'
    % (_TEXT, _TEXT)
)
_WHO = rb'"pid":[0-9]+,"test":%b,"phase":%b' % (_TEXT, _TEXT)
_WHAT = (
    b"".join(rb',"%b":%b' % (name, _TEXT)
             for name in (b"reason", b"method", b"url", b"host", b"client", b"key"))
    + rb',"status":(?:[0-9]+|null),"take":[0-9]+,"bytes":[0-9]+'
)  # fmt: skip
_LAST = b',"elapsed_ms":'
_END = rb'(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e-[0-9]+)?(?:,"worker":"[a-z0-9]+")?\}'
_LINE = re.compile(_START + rb"((%b)%b)(%b)" % (_HEAD, _WHO, _WHAT) + _LAST + _END)
_starts, _ends = re.compile(_START).match, re.compile(_END).fullmatch
_MOST = 100_000  # parts of a kind that are remembered at a time


@dataclass
class Hits:
    """What lines told: for each hit the row of what it asked for, and whose they are.

    Args:
        rows: a number a hit.
        tests: each test with how many of them, one after the other, are its.
        rest: the lines that are to go the ordinary way.
    """

    rows: list[int] = field(default_factory=list)
    tests: list[tuple[str | None, int]] = field(default_factory=list)
    rest: list[bytes] = field(default_factory=list)


class HitReader:
    """Tells hits by their bytes.

    Args:
        decode: the test and the row of a line; None if it is no plain event.
    """

    def __init__(self, decode: Callable[[bytes], tuple[str | None, int] | None]) -> None:
        self._decode = decode
        self._head = b""  # the same in all lines of a journal
        self._whose: dict[bytes, str | None] = {}
        self._rows: dict[bytes, int] = {}
        self._ends: set[bytes] = set()

    def read(self, lines: Iterable[bytes]) -> Hits:
        """Tell hits from other lines; lines come without their line breaks."""
        hits = Hits()
        # A million times round: what is looked up is looked up once, and nothing is called in vain.
        rows, ends = self._rows, self._ends
        add, leave = hits.rows.append, hits.rest.append
        who, length, before = b"\n", 0, 0
        for line in lines:
            found = _starts(line)
            if found is None:
                leave(line)
                continue
            at = found.end()
            if not line.startswith(who, at):
                who = self._who(line, at)
                length = len(who)
                if not who:
                    who = b"\n"
                    leave(line)
                    continue
                self._count(hits, before)
                before = len(hits.rows)
                hits.tests.append((self._whose[who], 0))
            what, _, end = line[at + length :].rpartition(_LAST)
            row = rows.get(what)
            if row is None and self._learn(line):
                row = rows.get(what)
            if row is None or (end not in ends and not self._is_end(end)):
                leave(line)
            else:
                add(row)
        self._count(hits, before)
        return hits

    @staticmethod
    def _count(hits: Hits, before: int) -> None:
        """Say of the test before how many hits are its."""
        if hits.tests:
            hits.tests[-1] = (hits.tests[-1][0], len(hits.rows) - before)

    def _who(self, line: bytes, at: int) -> bytes:
        """The part of a line that names the test; empty if it is no hit."""
        if not line.startswith(self._head, at) and self._head:
            return b""
        who = line[at : line.find(b',"reason":', at)]
        return who if who in self._whose or self._learn(line) else b""

    def _learn(self, line: bytes) -> bool:
        """Remember the parts of a line; False if it is no hit as guests write it.

        Only of a whole line of this layout: what else stood in it could have changed what it says.
        """
        found = _LINE.fullmatch(line)
        decoded = self._decode(line) if found else None
        if found is None or decoded is None:
            return False
        who, self._head, what = found.groups()
        _make_room(self._whose)
        _make_room(self._rows)
        self._whose[who], self._rows[what] = decoded
        return True

    def _is_end(self, end: bytes) -> bool:
        if not _ends(end):
            return False
        _make_room(self._ends)
        self._ends.add(end)
        return True


def _make_room(known: dict[bytes, str | None] | dict[bytes, int] | set[bytes]) -> None:
    if len(known) >= _MOST:
        known.clear()
