"""What stands on the first screen: the verdict's remarks and the five figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.audit.page import NONE, Figure, size, visible
from recordbake.audit.words import NOUNS, count
from recordbake.from_audit import KEEP

if TYPE_CHECKING:
    from collections.abc import Callable

    from recordbake.audit.figures import Figures
    from recordbake.audit.verdict import Verdict


def remarks(verdict: Verdict) -> tuple[str, ...]:
    """What the verdict's command will cost, and the reasons that its sentence leaves out."""
    said = []
    if verdict.decision == KEEP:
        said.append("Nothing needs recording; this replays it without a network.")
    elif verdict.requests:
        noun = "request" if verdict.requests == 1 else "requests"
        fetched = f"Fetches about {verdict.requests:,} {noun}, {size(verdict.bytes)}"
        dropped = count(len(verdict.drop), NOUNS["unused"])
        said.append(f"{fetched}; drops {dropped}." if verdict.drop else f"{fetched}.")
    told = (verdict.sentence, *verdict.by_hand, *said)
    others = [reason for reason in verdict.reasons if not any(reason in part for part in told)]
    if others:
        said.append(f"Also found: {', '.join(others)}.")
    return tuple(said)


def by_hand(verdict: Verdict) -> str:
    """What recording does not mend, where the verdict's sentence does not say it."""
    if not verdict.by_hand or verdict.decision == KEEP:
        return ""
    return f"Recording does not mend: {', '.join(verdict.by_hand)}."


def figure_row(f: Figures) -> tuple[Figure, ...]:
    """The five figures, each with its change."""
    rest = {k: n for k, n in f.outcomes.items() if k not in ("hit", "blocked", "forwarded")}
    others = ", ".join(f"{n:,} {visible(outcome)}" for outcome, n in sorted(rest.items()))
    missed = [o for o in ("blocked", "forwarded") if o in f.outcomes]
    share = f"{100 * f.hits / f.requests:.4g} %" if f.requests and f.hits is not None else ""
    http, hub = size(f.http_bytes), size(f.hub_bytes)
    shards = f"{len(f.replay_runs)} replays" if len(f.replay_runs) > 1 else ""
    requests = _notes(shards, others) if f.replay_run else "no replay yet"
    misses = _notes(*(f"{f.outcomes[o]:,} {o}" for o in missed))
    old = f"over {f.stale_after_days:g} days old"
    return (
        Figure("Requests", _number(f.requests), requests, _change(f, "requests")),
        Figure("Hits", _number(f.hits), share, _change(f, "hits")),
        Figure(
            "Live misses", _number(f.live_misses), misses, _change(f, "live_misses"),
            _tone(f.live_misses),
        ),
        Figure(
            "Cache size", size(f.cache_bytes), f"HTTP {http}, Hub {hub}",
            _change(f, "cache_bytes", size),
        ),
        Figure("Stale entries", f"{f.stale:,}", old, _change(f, "stale"), _tone(f.stale)),
    )  # fmt: skip


def _change(f: Figures, name: str, written: Callable[[int], str] = "{:,}".format) -> str:
    """The change of a figure since the run before, in words; empty where that is not known."""
    value, before = getattr(f, name), (f.before or {}).get(name)
    if value is None or before is None:
        return ""
    change = value - before
    if not change:
        return "as before"
    return f"{'+' if change > 0 else '−'}{written(abs(change))} since the last run"  # noqa: RUF001


def _notes(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _number(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _tone(value: int | None) -> str:
    return "" if value is None else "bad" if value else "good"
