"""What is wrong with a recording: frames in, findings out; nothing is read or written here.

Each finding has a kind (:data:`KINDS`), a subject, its evidence, the tests concerned and what to
do about it. The order of events in a journal never changes a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recordbake.audit.load import Loaded

#: Every kind of finding with its severity, worst first.
KINDS = {
    "live-miss": "error",
    "leak": "error",
    "incomplete": "error",
    "damaged-entry": "error",
    "uncovered": "warning",
    "stale": "warning",
    "damaged-journal": "warning",
    "unused": "info",
}
LIVE_MISSES = ("blocked", "forwarded")
REPLAYS = ("replay", "replay_strict")
DAY = 86400.0

_RECORD_MISSING = "record what is missing: recordbake record --missing"


@dataclass(frozen=True)
class Finding:
    """One row of the audit.

    Args:
        kind: one of :data:`KINDS`.
        severity: ``error``, ``warning`` or ``info``.
        subject: what it is about, for people: a request, a process, a run.
        evidence: what shows it, as JSON values; times in UTC (ISO 8601), sizes in bytes.
        tests: identifiers of the tests concerned, sorted.
        action: what to do about it.
    """

    kind: str
    severity: str
    subject: str
    evidence: dict[str, Any] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    action: str = ""


def iso(seconds: float) -> str | None:
    """Unix seconds as ISO 8601 in UTC, to the second; None for a time that is not known."""
    if pd.isna(seconds):
        return None
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def latest_replay(runs: pd.DataFrame) -> str | None:
    """The latest replay that left a journal, or None."""
    found = runs[runs["mode"].isin(REPLAYS) & runs["has_journal"].astype(bool)]
    return None if found.empty else str(found["run"].iloc[-1])


def latest_record(runs: pd.DataFrame) -> str | None:
    """The latest recording run that ended, or None."""
    found = runs[(runs["mode"] == "record") & runs["finished"].astype(bool)]
    return None if found.empty else str(found["run"].iloc[-1])


def find(loaded: Loaded, *, stale_after_days: float, now: float) -> list[Finding]:
    """All findings, worst kind first, then by subject.

    Args:
        loaded: what :func:`recordbake.audit.load.load` read.
        stale_after_days: age in days from which an entry is stale.
        now: Unix seconds, UTC.
    """
    events, runs, entries = loaded.events, loaded.runs, loaded.entries
    replay = latest_replay(runs)
    current = events[events["run"].isin([replay, latest_record(runs)])]
    replayed = events[events["run"] == replay]
    judged = entries if replay is None else entries[used(replayed, entries)]
    found = [
        *live_misses(replayed, entries),
        *leaks(current),
        *uncovered(current),
        *incomplete(runs),
        *damaged_entries(replayed, entries),
        *stale(judged, stale_after_days=stale_after_days, now=now),
        *damaged_journals(runs),
    ]
    if replay is not None:
        started = runs.loc[runs["run"] == replay, "started_at"].iloc[0]
        found += unused(replayed, entries, started)
    order = list(KINDS)
    return sorted(found, key=lambda f: (order.index(f.kind), f.subject, str(f.evidence)))


def live_misses(replayed: pd.DataFrame, entries: pd.DataFrame) -> Iterator[Finding]:
    """Requests of a replay that were not answered from the store, by method and URL.

    A request that was recorded after it was missed is no finding any more.
    """
    requests = replayed[replayed["event"] == "request"]
    missed = requests[requests["outcome"].isin(LIVE_MISSES)]
    missed = missed[~recorded_since(missed, entries)]
    for (method, url), group in missed.groupby(["method", "url"], observed=True, dropna=False):
        by_test = group["test"].astype(object).fillna("").value_counts().to_dict()
        evidence = {
            "method": _text(method),
            "url": _text(url),
            "host": min(_distinct(group["host"]), default=""),
            "count": len(group),
            "by_test": {str(test): int(n) for test, n in sorted(by_test.items())},
            "outcomes": _distinct(group["outcome"]),
            "reasons": _distinct(group["reason"]),
            "first_seen": iso(group["ts"].min()),
            "bytes": int(group["bytes"].max()) if (group["bytes"] >= 0).any() else None,
            "message": _first_message(group),
        }
        yield _finding(
            "live-miss", f"{_text(method)} {_text(url)}", evidence, group, _RECORD_MISSING
        )


def leaks(current: pd.DataFrame) -> Iterator[Finding]:
    """Connections that no client adapter explains, by where they went."""
    found = current[current["event"] == "leak"]
    for (host, port, what), group in found.groupby(
        ["host", "port", "what"], observed=True, dropna=False
    ):
        number = None if port < 0 else int(port)
        evidence = {
            "host": _text(host),
            "port": number,
            "what": _text(what),
            "blocked": bool(group["blocked"].all()),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        subject = _text(host) if number is None else f"{_text(host)}:{number}"
        action = "use a client that is captured, or exclude the host if it is a service of yours"
        yield _finding("leak", f"{subject} ({_text(what)})", evidence, group, action)


def uncovered(current: pd.DataFrame) -> Iterator[Finding]:
    """Processes that could not be hooked: what they asked for is not known."""
    found = current[current["event"] == "gap"]
    for (executable, reason), group in found.groupby(
        ["executable", "reason"], observed=True, dropna=False
    ):
        evidence = {
            "executable": _text(executable),
            "reason": _text(reason),
            "python": _distinct(group["python"]),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        action = (
            "start it with a supported Python and without -S"
            if group["client"].isna().all()
            else "install a supported release, or accept it with untested_clients"
        )
        yield _finding(
            "uncovered", f"{_text(executable)}: {_text(reason)}", evidence, group, action
        )


def incomplete(runs: pd.DataFrame) -> Iterator[Finding]:
    """Requests that the latest recording run got no good answer for."""
    run = latest_record(runs)
    if run is None:
        return
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in runs.loc[runs["run"] == run, "incomplete"].iloc[0]:
        groups.setdefault((_text(item.get("method")), _text(item.get("url"))), []).append(item)
    for (method, url), items in groups.items():
        evidence = {
            "method": method,
            "url": url,
            "count": len(items),
            "reasons": sorted({_text(item.get("reason")) for item in items}),
            "run": run,
        }
        tests = tuple(sorted({_text(item["test"]) for item in items if item.get("test")}))
        action = "record it again once the server answers: recordbake record --missing"
        yield Finding("incomplete", KINDS["incomplete"], f"{method} {url}", evidence, tests, action)


def damaged_entries(replayed: pd.DataFrame, entries: pd.DataFrame) -> Iterator[Finding]:
    """Entries that the replay could not read, unless they were recorded again since."""
    found = replayed[replayed["event"] == "damage"]
    found = found[~recorded_since(found, entries)]
    urls = {row.key: f"{row.method} {row.url}" for row in entries.itertuples()}
    for key, group in found.groupby("key", observed=True, dropna=False):
        evidence = {
            "key": _text(key),
            "messages": _distinct(group["message"]),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        subject = urls.get(_text(key), _text(key))
        yield _finding("damaged-entry", subject, evidence, group, _RECORD_MISSING)


def stale(judged: pd.DataFrame, *, stale_after_days: float, now: float) -> Iterator[Finding]:
    """Entries older than that many days, among those whose age matters."""
    for row in judged[now - judged["recorded_at"] > stale_after_days * DAY].itertuples():
        days = round((now - float(row.recorded_at)) / DAY, 1)
        evidence = _entry_evidence(row) | {"age_days": days}
        yield Finding(
            "stale", KINDS["stale"], _entry_subject(row), evidence, row.tests, "record it again"
        )


def unused(replayed: pd.DataFrame, entries: pd.DataFrame, started: float) -> Iterator[Finding]:
    """Entries that a replay did not hit, among those it could have hit.

    Args:
        replayed: events of the replay.
        entries: the store's entries.
        started: when the replay started, Unix seconds (UTC); NaN if not known.
    """
    later = entries["recorded_at"] > started  # false where either is not known
    for row in entries[~used(replayed, entries) & ~later].itertuples():
        action = "none needed; a whole recording run drops it if no test asks for it any more"
        yield Finding(
            "unused", KINDS["unused"], _entry_subject(row), _entry_evidence(row), row.tests, action
        )


def damaged_journals(runs: pd.DataFrame) -> Iterator[Finding]:
    """Runs whose journal has lines that cannot be read, or whose ``run.json`` cannot."""
    row: Any  # a cell is a plain Python value here
    for row in runs.itertuples():
        if row.damaged_lines or row.damaged_info:
            evidence = {
                "run": row.run,
                "damaged_lines": int(row.damaged_lines),
                "damaged_run_json": bool(row.damaged_info),
            }
            action = "replay again; if it comes back, check the disk it is written to"
            yield Finding(
                "damaged-journal", KINDS["damaged-journal"], str(row.run), evidence, (), action
            )


def used(replayed: pd.DataFrame, entries: pd.DataFrame) -> pd.Series[bool]:
    """Which entries a replay answered from, aligned with ``entries``."""
    requests = replayed[replayed["event"] == "request"]
    hits = requests[(requests["outcome"] == "hit") | requests["from_cache"]]
    hits = hits[["key", "take"]].drop_duplicates()
    pairs = set(zip(hits["key"].astype(object), hits["take"].clip(lower=0), strict=True))
    flags = [pair in pairs for pair in zip(entries["key"], entries["take"], strict=True)]
    answered: pd.Series[bool] = pd.Series(flags, index=entries.index, dtype=bool)
    return answered


def recorded_since(events: pd.DataFrame, entries: pd.DataFrame) -> pd.Series[bool]:
    """Which events concern a key that has been recorded after them, aligned with ``events``."""
    newest = entries.groupby("key")["recorded_at"].max().to_dict()
    pairs = zip(events["key"].astype(object), events["ts"], strict=True)
    flags = [newest.get(key, 0.0) > ts for key, ts in pairs]
    since: pd.Series[bool] = pd.Series(flags, index=events.index, dtype=bool)
    return since


def _finding(
    kind: str, subject: str, evidence: dict[str, Any], group: pd.DataFrame, action: str
) -> Finding:
    return Finding(kind, KINDS[kind], subject, evidence, tuple(_distinct(group["test"])), action)


def _entry_subject(row: Any) -> str:
    take = f" (take {row.take})" if row.take else ""
    return f"{row.method} {row.url}{take}"


def _entry_evidence(row: Any) -> dict[str, Any]:
    return {
        "method": row.method,
        "url": row.url,
        "host": row.host,
        "key": row.key,
        "take": int(row.take),
        "bytes": int(row.body_size),
        "recorded_at": iso(row.recorded_at),
    }


def _first_message(group: pd.DataFrame) -> str:
    """How the first of several misses was explained, the same in any order of the journal."""
    told = group[group["message"].notna()].astype({"message": object})
    ordered = told.sort_values(["ts", "message"], kind="stable")
    return "" if ordered.empty else _text(ordered["message"].iloc[0])


def _distinct(column: pd.Series[Any]) -> list[str]:
    return sorted({str(value) for value in column.dropna() if value != ""})


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  (NaN)
