"""Counts what a pytest session did, from the journal of all its processes; no I/O but reading."""

from __future__ import annotations

from . import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

OUTCOMES = ("hit", "stored", "forwarded", "blocked", "failed", "bypass")
LIVE = ("stored", "forwarded", "failed")
#: As :mod:`.events` writes it; text in a URL has its quotation marks escaped.
_HIT = b'"outcome":"hit"'
_SHOWN = 5


def is_miss(event: dict[str, Any]) -> bool:
    """Whether an event is a request of a replay that the store did not answer."""
    return event.get("event") == "request" and event.get("outcome") in ("blocked", "forwarded")


def is_block(event: dict[str, Any]) -> bool:
    """Whether an event is something that did not get out."""
    return event.get("outcome") == "blocked" or (
        event.get("event") == "leak" and event.get("blocked") is True
    )


def describe(event: dict[str, Any]) -> str:
    """A miss or leak in one line, without its test."""
    if event.get("event") == "leak":
        port = event.get("port")
        return f"{event.get('what')} of {event.get('host')}{'' if port is None else f':{port}'}"
    return f"{event.get('method')} {event.get('url')}"


class Tally:
    """Requests by outcome, and what is worth naming."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.misses: list[dict[str, Any]] = []
        self.leaks: list[dict[str, Any]] = []
        self.slowest: list[dict[str, Any]] = []
        self.suspect = 0

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    def add(self, event: dict[str, Any]) -> None:
        """Count one event."""
        if event.get("event") == "leak":
            self.leaks.append(event)
        if event.get("event") != "request":
            return
        outcome = str(event.get("outcome"))
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        self.suspect += event.get("suspect") is True
        if is_miss(event):
            self.misses.append(event)
        if outcome in LIVE:
            self.slowest.append(event)
            self.slowest.sort(key=lambda e: -float(e.get("elapsed_ms") or 0))
            del self.slowest[_SHOWN:]

    def add_lines(self, lines: Iterable[bytes]) -> None:
        """Count journal lines; hits, of which there are many, without parsing them."""
        for line in lines:
            if _HIT in line:
                self.counts["hit"] += 1
            else:
                self.add(family.parse(line))

    def lines(self, mode: str, barrier: str) -> list[str]:
        """The text of the terminal section."""
        counts = ", ".join(f"{n} {outcome}" for outcome, n in self.counts.items() if n)
        leaks = f", {len(self.leaks)} leaks" if self.leaks else ""
        held = f", barrier: {barrier}" if mode == "replay_strict" else ""
        text = [f"{mode}: {self.requests} requests ({counts or 'none'}){leaks}{held}"]
        for label, events in (("miss", self.misses), ("leak", self.leaks)):
            text += _grouped(label, events)
        for event in self.slowest:
            taken = f"{float(event.get('elapsed_ms') or 0):.0f} ms"
            text.append(f"slowest live: {taken} {describe(event)} ({event.get('test')})")
        if self.suspect:
            text.append(f"suspect: {self.suspect} answers 429, 502, 503, 504 or transport errors")
        return text


def _grouped(label: str, events: list[dict[str, Any]]) -> list[str]:
    """One line for each request with the tests that made it."""
    tests: dict[str, list[str]] = {}
    for event in events:
        named = tests.setdefault(describe(event), [])
        test = str(event.get("test") or "no test known")
        if test not in named:
            named.append(test)
    text = []
    for what, named in list(tests.items())[: 2 * _SHOWN]:
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        text.append(f"{label}: {what} ({', '.join(named[:_SHOWN])}{more})")
    if len(tests) > 2 * _SHOWN:
        text.append(f"{label}: {len(tests) - 2 * _SHOWN} more, see the summary below")
    return text
