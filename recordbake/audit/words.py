"""What findings of each kind are called, one and many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: One and many, in the order in which a sentence lists them.
NOUNS = {
    "live-miss": ("missing request", "missing requests"),
    "incomplete": ("request without a good answer", "requests without a good answer"),
    "damaged-entry": ("unreadable entry", "unreadable entries"),
    "secret": ("secret", "secrets"),
    "leak": ("leaked connection", "leaked connections"),
    "uncovered": ("unhooked process", "unhooked processes"),
    "stale": ("stale entry", "stale entries"),
    "stale-upstream": ("entry changed upstream", "entries changed upstream"),
    "suspicious-200": ("suspicious answer", "suspicious answers"),
    "error-kept": ("error answer kept", "error answers kept"),
    "stale-origin": ("entry past its Cache-Control", "entries past their Cache-Control"),
    "volatile": ("volatile answer", "volatile answers"),
    "oversized": ("oversized entry", "oversized entries"),
    "duplicate-body": ("duplicate body", "duplicate bodies"),
    "growth": ("growth since the bake", "growths since the bake"),
    "unused": ("unused entry", "unused entries"),
    "damaged-journal": ("damaged journal", "damaged journals"),
}


def count(n: int, nouns: tuple[str, str]) -> str:
    """A number with its noun."""
    return f"{n:,} {nouns[n != 1]}"


def listing(by_kind: Mapping[str, int], kinds: Iterable[str] = tuple(NOUNS)) -> tuple[str, ...]:
    """How many findings there are of each of these kinds, in the order of :data:`NOUNS`."""
    wanted = set(kinds)
    return tuple(
        count(by_kind[kind], nouns)
        for kind, nouns in NOUNS.items()
        if kind in wanted and by_kind.get(kind)
    )
