"""The numbers of the first screen, and what an audit notes of itself; nothing is read here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from recordbake.audit.findings import LIVE_MISSES, judged_recordings, judged_replays, text
from recordbake.audit.history import Audited
from recordbake.guest.codec import INLINE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from recordbake.audit.findings import Finding
    from recordbake.audit.load import Loaded

_COUNTED = ("requests", "hits", "live_misses")


@dataclass(frozen=True)
class Figures:
    """The numbers of the first screen; sizes in bytes.

    ``requests``, ``hits``, ``live_misses`` and ``outcomes`` (requests by outcome, which add up to
    ``requests``) are of the judged replays, ``replay_runs``, of which ``replay_run`` is the
    latest; None where there was none.
    ``before`` has ``requests``, ``hits`` and ``live_misses`` of the replay before, ``cache_bytes``
    and ``stale`` of the audit before, each None where that is not known; it is None where nothing
    is. ``cache_bytes`` is ``http_bytes`` and ``hub_bytes`` together.
    """

    replay_run: str | None
    replay_runs: tuple[str, ...]
    requests: int | None
    hits: int | None
    live_misses: int | None
    outcomes: dict[str, int]
    entries: int
    cache_bytes: int
    http_bytes: int
    hub_bytes: int
    hub_problems: int
    stale: int
    stale_after_days: float
    unused: int
    before: dict[str, int | None] | None = None


def figures(
    loaded: Loaded,
    findings: list[Finding],
    stale_after_days: float,
    past: Sequence[Audited] = (),
) -> Figures:
    """The numbers of the first screen.

    Args:
        loaded: what was read.
        findings: what was found.
        stale_after_days: age in days from which an entry is stale.
        past: earlier audits of other runs, oldest first.
    """
    replays = judged_replays(loaded.runs)
    by_run = outcomes_of_runs(loaded.events)
    outcomes = _total(by_run, replays)
    http = int(own_bytes(loaded.entries).sum())
    hub = sum(repo.size for repo in loaded.hub)
    return Figures(
        replay_run=replays[-1] if replays else None,
        replay_runs=tuple(replays),
        **(_counted(outcomes) if replays else dict.fromkeys(_COUNTED)),
        outcomes=outcomes,
        entries=len(loaded.entries),
        cache_bytes=http + hub,
        http_bytes=http,
        hub_bytes=hub,
        hub_problems=loaded.hub_problems,
        stale=sum(finding.kind == "stale" for finding in findings),
        stale_after_days=stale_after_days,
        unused=sum(finding.kind == "unused" for finding in findings),
        before=_before(loaded, by_run, past[-1] if past else None),
    )


def _counted(outcomes: dict[str, int]) -> dict[str, int | None]:
    misses = sum(outcomes.get(outcome, 0) for outcome in LIVE_MISSES)
    return {
        "requests": sum(outcomes.values()), "hits": outcomes.get("hit", 0), "live_misses": misses
    }  # fmt: skip


def _total(by_run: dict[str, dict[str, int]], runs: Iterable[str]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for run in runs:
        total.update(by_run.get(run, {}))
    return dict(sorted(total.items()))


def _before(
    loaded: Loaded, by_run: dict[str, dict[str, int]], audited: Audited | None
) -> dict[str, int | None] | None:
    """The figures before: of the replays before, as journals tell them, and of the audit before."""
    runs = [str(run) for run in loaded.runs["run"][loaded.runs["before"]]]
    if not runs and audited is None:
        return None
    sizes = {name: getattr(audited, name, None) for name in ("cache_bytes", "stale")}
    if runs:
        return _counted(_total(by_run, runs)) | sizes
    return {name: getattr(audited, name) for name in _COUNTED} | sizes


def audited(generated_at: str, figures: Figures, runs: pd.DataFrame) -> Audited:
    """What to note of this audit."""
    same = {field.name: getattr(figures, field.name) for field in fields(Audited)
            if hasattr(figures, field.name)}  # fmt: skip
    return Audited(at=generated_at, runs=judged_runs(runs), **same)


def judged_runs(runs: pd.DataFrame) -> tuple[str, ...]:
    """The runs that an audit is about."""
    return (*judged_replays(runs), *judged_recordings(runs))


def own_bytes(entries: pd.DataFrame) -> pd.Series[int]:
    """Body sizes; a body that is a file counts for the first entry that names it only."""
    shared = entries.duplicated("body_sha256") & (entries["body_size"] > INLINE_LIMIT)
    return entries["body_size"].mask(shared, 0)


def outcomes_of_runs(events: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Requests by run and outcome."""
    requests = events.loc[events["event"] == "request", ["run", "outcome", "count"]]
    by = ["run", "outcome"]
    counts = requests.groupby(by, observed=True, dropna=False)["count"].sum().to_dict()
    named = {(run, text(outcome) or "unknown"): n for (run, outcome), n in counts.items()}
    found: dict[str, dict[str, int]] = {}
    for (run, outcome), number in sorted(named.items()):
        found.setdefault(str(run), {})[str(outcome)] = int(number)
    return found
