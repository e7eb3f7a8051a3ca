"""What a report counts: figures, hosts and the history of runs; nothing is read or written here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recordbake.audit.figures import Figures, outcomes_of_runs, own_bytes
from recordbake.audit.findings import DAY, iso, text

if TYPE_CHECKING:
    import pandas as pd

    from recordbake.audit.compare import Comparison
    from recordbake.audit.findings import Finding
    from recordbake.audit.history import Audited
    from recordbake.audit.hub import HubRepo
    from recordbake.audit.load import Loaded
    from recordbake.audit.verdict import Verdict

#: Ages below so many days, and what to call them.
_AGES = (
    (1.0, "under 1"), (7.0, "1 to 7"), (30.0, "7 to 30"), (90.0, "30 to 90"),
    (365.0, "90 to 365"), (math.inf, "over 365"),
)  # fmt: skip
#: How many entries are described: those that findings are about, then the largest.
MOST_ENTRIES = 400


@dataclass(frozen=True)
class Host:
    """What the store holds of one host; ``bytes`` of bodies, one that is shared counted once."""

    host: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class Entry:
    """An entry; ``recorded_at`` in UTC (ISO 8601), ``bytes`` of its body, ``tests`` that use it."""

    key: str
    take: int
    method: str
    url: str
    status: int
    content_type: str
    bytes: int
    recorded_at: str | None
    tests: tuple[str, ...]


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
    ci_run: str
    judged: bool


@dataclass(frozen=True)
class Summary:
    """All that a report says; ``generated_at`` in UTC (ISO 8601)."""

    generated_at: str
    verdict: Verdict
    figures: Figures
    findings: list[Finding]
    hosts: list[Host]
    entries: list[Entry]
    ages: list[Age]
    hub: list[HubRepo]
    runs: list[RunRow]
    trend: list[Audited] = field(default_factory=list)
    comparison: Comparison | None = None


def hosts(entries: pd.DataFrame) -> list[Host]:
    """The hosts in the store, largest first."""
    frame = entries.assign(own_bytes=own_bytes(entries))
    rows = [
        Host(str(host), len(group), int(group["own_bytes"].sum()))
        for host, group in frame.groupby("host")
    ]
    return sorted(rows, key=lambda row: (-row.bytes, row.host))


def described(entries: pd.DataFrame, findings: list[Finding]) -> list[Entry]:
    """The entries that findings are about, all takes of a request together, then the largest."""
    keys = {str(key): n for n, f in enumerate(findings) for key in _keys(f)}
    order = entries["key"].map(keys).fillna(len(findings))
    ordered = entries.assign(order=order).sort_values(
        ["order", "body_size", "url", "key", "take"], ascending=[True, False, True, True, True]
    )
    return [
        Entry(
            row.key, row.take, row.method, row.url, row.status, text(row.content_type),
            row.body_size, iso(row.recorded_at), row.tests,
        )
        for row in ordered.head(MOST_ENTRIES).itertuples()
    ]  # fmt: skip


def _keys(finding: Finding) -> list[str]:
    return [finding.evidence.get("key", ""), *finding.evidence.get("keys", ())]


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


def history(loaded: Loaded) -> list[RunRow]:
    """The runs, oldest first."""
    outcomes = outcomes_of_runs(loaded.events)
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
        ci_run=row.ci_run,
        judged=bool(row.judged),
    )
