"""What runs did: requests, connections and processes, from their journals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings.model import (
    KINDS,
    LIVE_MISSES,
    RECORD_MISSING,
    Finding,
    damaged_keys,
    distinct,
    grouped,
    iso,
    judged_recordings,
    recorded_since,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


def live_misses(
    replayed: pd.DataFrame, entries: pd.DataFrame, kept: pd.DataFrame
) -> Iterator[Finding]:
    """Requests of a replay that were not answered from the store, by method and URL.

    A request that was recorded after it was missed is no finding any more, and one whose entry is
    damaged is a finding of that kind.

    Args:
        replayed: events of the judged replays.
        entries: the store's entries.
        kept: events of all replays that are kept: when a request was missed first.
    """
    missed = _missed(replayed)
    if missed.empty:
        return
    by = ["method", "url"]
    first = _missed(kept).groupby(by, observed=True, dropna=False)["ts"].min().to_dict()
    missed = missed[~missed["key"].isin(damaged_keys(replayed))]
    missed = missed[~recorded_since(missed, entries)]
    for (method, url), group in missed.groupby(by, observed=True, dropna=False):
        by_test = group["test"].astype(object).fillna("").value_counts().to_dict()
        evidence = {
            "method": text(method),
            "url": text(url),
            "host": min(distinct(group["host"]), default=""),
            "count": len(group),
            "by_test": {str(test): int(n) for test, n in sorted(by_test.items())},
            "outcomes": distinct(group["outcome"]),
            "reasons": distinct(group["reason"]),
            "first_seen": iso(min(group["ts"].min(), first.get((method, url), math.inf))),
            "bytes": int(group["bytes"].max()) if (group["bytes"] >= 0).any() else None,
            "keys": distinct(group["key"]),
            "message": first_message(group),
        }
        yield grouped("live-miss", f"{text(method)} {text(url)}", evidence, group, RECORD_MISSING)


def _missed(events: pd.DataFrame) -> pd.DataFrame:
    missed: pd.DataFrame = events[
        (events["event"] == "request") & events["outcome"].isin(LIVE_MISSES)
    ]
    return missed


def leaks(current: pd.DataFrame) -> Iterator[Finding]:
    """Connections that no client adapter explains, by where they went."""
    found = current[current["event"] == "leak"]
    for (host, port, what), group in found.groupby(
        ["host", "port", "what"], observed=True, dropna=False
    ):
        number = None if port < 0 else int(port)
        evidence = {
            "host": text(host),
            "port": number,
            "what": text(what),
            "blocked": bool(group["blocked"].all()),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        subject = text(host) if number is None else f"{text(host)}:{number}"
        action = "use a client that is captured, or exclude the host if it is a service of yours"
        yield grouped("leak", f"{subject} ({text(what)})", evidence, group, action)


def uncovered(current: pd.DataFrame) -> Iterator[Finding]:
    """Processes that could not be hooked: what they asked for is not known."""
    found = current[current["event"] == "gap"]
    for (executable, reason), group in found.groupby(
        ["executable", "reason"], observed=True, dropna=False
    ):
        evidence = {
            "executable": text(executable),
            "reason": text(reason),
            "python": distinct(group["python"]),
            "count": len(group),
            "first_seen": iso(group["ts"].min()),
        }
        action = (
            "start it with a supported Python and without -S"
            if group["client"].isna().all()
            else "install a supported release, or accept it with untested_clients"
        )
        yield grouped("uncovered", f"{text(executable)}: {text(reason)}", evidence, group, action)


def incomplete(runs: pd.DataFrame) -> Iterator[Finding]:
    """Requests that the judged recording runs got no good answer for."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in judged_recordings(runs):
        for item in runs.loc[runs["run"] == run, "incomplete"].iloc[0]:
            request = (text(item.get("method")), text(item.get("url")))
            groups.setdefault(request, []).append(item | {"run": run})
    for (method, url), items in groups.items():
        evidence = {
            "method": method,
            "url": url,
            "count": len(items),
            "reasons": sorted({text(item.get("reason")) for item in items}),
            "run": items[-1]["run"],
        }
        tests = tuple(sorted({text(item["test"]) for item in items if item.get("test")}))
        action = "record it again once the server answers: recordbake record --missing"
        yield Finding("incomplete", KINDS["incomplete"], f"{method} {url}", evidence, tests, action)


def damaged_journals(runs: pd.DataFrame) -> Iterator[Finding]:
    """Judged runs whose journal has lines that cannot be read, or whose ``run.json`` cannot.

    Damage in older ones stands in the table of runs: no new run mends it.
    """
    row: Any  # a cell is a plain Python value here
    for row in runs[runs["judged"]].itertuples():
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


def first_message(group: pd.DataFrame) -> str:
    """How the first of several misses was explained, the same in any order of the journal."""
    told = group[group["message"].notna()].astype({"message": object})
    ordered = told.sort_values(["ts", "message"], kind="stable")
    return "" if ordered.empty else text(ordered["message"].iloc[0])
