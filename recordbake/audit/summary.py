"""What a report counts: figures, hosts and the history of runs; nothing is read or written here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings import DAY, LIVE_MISSES, iso, latest_record, latest_replay, used
from recordbake.audit.verdict import Facts
from recordbake.guest.codec import INLINE_LIMIT

if TYPE_CHECKING:
    import pandas as pd

    from recordbake.audit.compare import Comparison
    from recordbake.audit.findings import Finding
    from recordbake.audit.load import HubRepo, Loaded
    from recordbake.audit.verdict import Verdict

#: Ages below so many days, and what to call them.
_AGES = (
    (1.0, "under 1"), (7.0, "1 to 7"), (30.0, "7 to 30"), (90.0, "30 to 90"),
    (365.0, "90 to 365"), (math.inf, "over 365"),
)  # fmt: skip
#: How many of the largest entries are named.
LARGEST = 300


@dataclass(frozen=True)
class Figures:
    """The numbers of the first screen; sizes in bytes.

    ``requests``, ``hits``, ``live_misses`` and ``outcomes`` (requests by outcome, which add up to
    ``requests``) are of the latest replay, ``replay_run``; None where there was none.
    ``before`` has ``requests``, ``hits`` and ``live_misses`` of the replay before it, None where
    there was none. ``cache_bytes`` is ``http_bytes`` and ``hub_bytes`` together.
    """

    replay_run: str | None
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
    before: dict[str, int] | None = None


@dataclass(frozen=True)
class Host:
    """What the store holds of one host; ``bytes`` of bodies, one that is shared counted once."""

    host: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class Entry:
    """An entry with a large body; ``bytes`` of it."""

    key: str
    take: int
    method: str
    url: str
    content_type: str
    bytes: int


@dataclass(frozen=True)
class Age:
    """How many entries are of that age in days."""

    age: str
    entries: int


@dataclass(frozen=True)
class RunRow:
    """One run; times in UTC (ISO 8601), ``outcomes`` add up to ``requests``."""

    run: str
    mode: str
    started_at: str | None
    ended_at: str | None
    command: tuple[str, ...]
    command_exit_code: int | None
    exit_code: int | None
    barrier: str
    requests: int
    outcomes: dict[str, int]
    damaged_lines: int


@dataclass(frozen=True)
class Summary:
    """All that a report says; ``generated_at`` in UTC (ISO 8601)."""

    generated_at: str
    verdict: Verdict
    figures: Figures
    findings: list[Finding]
    hosts: list[Host]
    largest: list[Entry]
    ages: list[Age]
    hub: list[HubRepo]
    runs: list[RunRow]
    comparison: Comparison | None = None


def facts(loaded: Loaded, options: tuple[str, ...] = (), audit: str = "") -> Facts:
    """What the verdict needs to know.

    Args:
        loaded: what was read.
        options: options of recordbake that the verdict's command has to carry.
        audit: where ``audit.json`` is written; empty if it is not.
    """
    entries, runs, replay = loaded.entries, loaded.runs, latest_replay(loaded.runs)
    judged = len(entries)
    if replay is not None:
        judged = int(used(loaded.events[loaded.events["run"] == replay], entries).sum())
    return Facts(
        entries=len(entries),
        entry_bytes=int(entries["body_size"].sum()),
        typical_bytes=int(entries["body_size"].median()) if len(entries) else 0,
        judged=judged,
        replayed=replay is not None,
        command=_command(runs),
        options=options,
        audit=audit,
    )


def _command(runs: pd.DataFrame) -> tuple[str, ...]:
    """The command of the latest recording run, or else of the latest run that names one."""
    told = runs[runs["command"].map(bool).astype(bool)]
    recorded = told[told["run"] == latest_record(runs)]
    rows = recorded if len(recorded) else told
    return tuple(rows["command"].iloc[-1]) if len(rows) else ()


def figures(loaded: Loaded, findings: list[Finding], stale_after_days: float) -> Figures:
    """The numbers of the first screen."""
    replay = latest_replay(loaded.runs)
    outcomes = _outcomes(loaded.events).get(replay or "", {})
    http = int(_own_bytes(loaded.entries).sum())
    hub = sum(repo.size for repo in loaded.hub)
    return Figures(
        replay_run=replay,
        requests=None if replay is None else sum(outcomes.values()),
        hits=None if replay is None else outcomes.get("hit", 0),
        live_misses=None if replay is None else sum(outcomes.get(o, 0) for o in LIVE_MISSES),
        outcomes=outcomes,
        entries=len(loaded.entries),
        cache_bytes=http + hub,
        http_bytes=http,
        hub_bytes=hub,
        hub_problems=loaded.hub_problems,
        stale=sum(finding.kind == "stale" for finding in findings),
        stale_after_days=stale_after_days,
        unused=sum(finding.kind == "unused" for finding in findings),
        before=_before(loaded, replay),
    )


def _before(loaded: Loaded, replay: str | None) -> dict[str, int] | None:
    """Requests, hits and live misses of the replay before that one."""
    earlier = latest_replay(loaded.runs[loaded.runs["run"] < (replay or "")])
    if earlier is None:
        return None
    outcomes = _outcomes(loaded.events).get(earlier, {})
    return {
        "requests": sum(outcomes.values()),
        "hits": outcomes.get("hit", 0),
        "live_misses": sum(outcomes.get(outcome, 0) for outcome in LIVE_MISSES),
    }


def hosts(entries: pd.DataFrame) -> list[Host]:
    """The hosts in the store, largest first."""
    frame = entries.assign(own_bytes=_own_bytes(entries))
    rows = [
        Host(str(host), len(group), int(group["own_bytes"].sum()))
        for host, group in frame.groupby("host")
    ]
    return sorted(rows, key=lambda row: (-row.bytes, row.host))


def largest(entries: pd.DataFrame) -> list[Entry]:
    """The entries with the largest bodies, largest first."""
    columns = ["body_size", "url", "key", "take"]
    ordered = entries.sort_values(columns, ascending=[False, True, True, True])
    return [
        Entry(row.key, row.take, row.method, row.url, str(row.content_type or ""), row.body_size)
        for row in ordered.head(LARGEST).itertuples()
    ]


def ages(entries: pd.DataFrame, now: float) -> list[Age]:
    """How old the entries are; those whose age is not known are left out.

    Args:
        entries: the store's entries.
        now: Unix seconds, UTC.
    """
    days = ((now - entries["recorded_at"]) / DAY).dropna()
    limits = [-math.inf, *(limit for limit, _ in _AGES[:-1]), math.inf]
    return [
        Age(name, int(((days >= low) & (days < high)).sum()))
        for (_, name), low, high in zip(_AGES, limits, limits[1:], strict=False)
    ]


def _own_bytes(entries: pd.DataFrame) -> pd.Series[int]:
    """Body sizes; a body that is a file counts for the first entry that names it only."""
    shared = entries.duplicated("body_sha256") & (entries["body_size"] > INLINE_LIMIT)
    return entries["body_size"].mask(shared, 0)


def history(loaded: Loaded) -> list[RunRow]:
    """The runs, oldest first."""
    outcomes = _outcomes(loaded.events)
    return [_run(row, outcomes.get(str(row.run), {})) for row in loaded.runs.itertuples()]


def _run(row: Any, outcomes: dict[str, int]) -> RunRow:
    return RunRow(
        run=row.run,
        mode=row.mode,
        started_at=iso(row.started_at),
        ended_at=iso(row.ended_at),
        command=row.command,
        command_exit_code=None if row.command_exit_code is None else int(row.command_exit_code),
        exit_code=None if row.exit_code is None else int(row.exit_code),
        barrier=row.barrier,
        requests=sum(outcomes.values()),
        outcomes=outcomes,
        damaged_lines=int(row.damaged_lines),
    )


def _outcomes(events: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Requests by run and outcome."""
    requests = events.loc[events["event"] == "request", ["run", "outcome"]].astype(object)
    counts = requests.fillna("unknown").value_counts()
    found: dict[str, dict[str, int]] = {}
    for (run, outcome), number in sorted(counts.to_dict().items()):
        found.setdefault(str(run), {})[str(outcome)] = int(number)
    return found
