"""Reads what an audit is made of, and nothing else does: journals, runs, stores and Hub caches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from recordbake.audit import runs as run_table
from recordbake.audit.columns import clean
from recordbake.audit.entries import load_entries, united
from recordbake.audit.events import EventTable
from recordbake.audit.findings.model import judged_replays, of_runs, used
from recordbake.audit.hub import HubRepo, held, scanned
from recordbake.audit.remote import RemoteRun, count
from recordbake.audit.secrets import secrets_of
from recordbake.errors import DamagedError
from recordbake.store import check_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recordbake.audit.entries import Name
    from recordbake.audit.remote import Spread
    from recordbake.recording import Recording, Run

__all__ = ["HubRepo", "Loaded", "load", "load_entries"]


@dataclass(frozen=True)
class Loaded:
    """What was found on disk.

    Args:
        events: of runs that are judged one row an event, of others one for what is equal, see
            :class:`~recordbake.audit.events.EventTable`.
        runs: one row a run, oldest first, see :mod:`~recordbake.audit.runs`.
        entries: one row a take, columns of the store's ``entries`` and ``tests`` (a tuple of the
            tests that use it), ``used`` (the judged replays answered from it), ``held`` (a Hub
            cache has its body, too), and the fields of :class:`~recordbake.audit.answers.Facts`.
        hub: repositories, largest first.
        hub_problems: how many directories of the Hub caches could not be understood.
    """

    events: pd.DataFrame
    runs: pd.DataFrame
    entries: pd.DataFrame
    hub: list[HubRepo]
    hub_problems: int


def load(
    *recordings: Recording, journals: Sequence[RemoteRun] = (), spread: Spread | None = None
) -> Loaded:
    """Read recordings or unpacked bakes as one.

    Args:
        recordings: where from.
        journals: further runs, whose journals are counted where they are.
        spread: has shares of them counted by others, see :func:`recordbake.audit.remote.count`.

    Raises:
        DamagedError: a directory is missing, or a store or a journal cannot be read.
        UsageError: journals are to be counted where they are, and DuckDB cannot.
    """
    for recording in recordings:
        if not recording.path.is_dir():
            raise DamagedError(
                "there is no recording",
                where=recording.path,
                next_step="make one: recordbake record -- COMMAND",
            )
    found = [recording.runs() for recording in recordings]
    sources = [[run_table.describe(run) for run in runs] for runs in found]
    elsewhere: dict[str, list[run_table.Row]] = defaultdict(list)
    for remote in journals:
        row = run_table.row_of(remote.id, remote.info, has_journal=True)
        elsewhere[remote.source].append(row)
    rows = run_table.mark([*sources, *elsewhere.values()])
    entries, renamed = united([_entries_with_secrets(recording) for recording in recordings])
    distant = {clean(run.id): run for run in journals}
    events = _events(rows, found, renamed, distant, spread)
    runs = run_table.frame(rows)
    replayed = of_runs(events, judged_replays(runs))
    entries["tests"] = _tests_today(replayed, entries)
    entries["used"] = used(replayed, entries)
    hub = scanned(recording.hf_cache / "hub" for recording in recordings)
    entries["held"] = pd.Series(held(entries, hub.blobs), index=entries.index, dtype=bool)
    return Loaded(events, runs, entries, hub.repos, hub.problems)


def _entries_with_secrets(recording: Recording) -> pd.DataFrame:
    if recording.store.is_file():
        check_tables(recording.store)  # damaged answers are findings; damaged tables tell nothing
    entries, secrets = load_entries(recording.store), secrets_of(recording)
    named = zip(entries["key"], entries["take"], strict=True)
    found = [secrets.get(name, ()) for name in named]
    entries["secrets"] = pd.Series(found, index=entries.index, dtype=object)
    return entries


def _events(
    rows: list[run_table.Row],
    found: Sequence[Sequence[Run]],
    renamed: list[dict[Name, int]],
    elsewhere: dict[str, RemoteRun],
    spread: Spread | None,
) -> pd.DataFrame:
    """The events of all runs; counts damaged lines in ``rows``."""
    places = {clean(run.id): (run, takes) for runs, takes in zip(found, renamed, strict=True)
              for run in reversed(runs)}  # fmt: skip
    table = EventTable()
    distant = {name: run for name, run in elsewhere.items() if name not in places}
    judged = {row["run"] for row in rows if row["judged"]}
    damaged = count(table, distant, judged, spread) if distant else {}
    for row in rows:
        name = row["run"]
        if name in damaged:
            row["damaged_lines"] = damaged[name]
        else:
            row["damaged_lines"] = table.read(places[name][0].journal, name, whole=row["judged"])
    events = table.frame()
    for name, (_, takes) in places.items():
        if takes:
            _rename(events, events["run"] == name, takes)
    return events


def _rename(events: pd.DataFrame, chosen: pd.Series[bool], takes: dict[Name, int]) -> None:
    """Give takes the numbers that they have in the united store."""
    about = events[chosen & events["key"].isin({key for key, _ in takes})]
    names = zip(about["key"].astype(object), about["take"].clip(lower=0), strict=True)
    events.loc[about.index, "take"] = [takes.get(name, name[1]) for name in names]


def _tests_today(replayed: pd.DataFrame, entries: pd.DataFrame) -> Any:
    """The tests that use each entry: those that recorded it.

    Where none of them ran in the judged replays (they were renamed), those that hit it there, too.
    """
    ran = set(replayed["test"].dropna().unique())
    gone = [bool(tests) and ran.isdisjoint(tests) for tests in entries["tests"]]
    hit = (replayed["outcome"] == "hit") & replayed["test"].notna()
    hit &= replayed["key"].isin(entries["key"][gone])
    asking: dict[Name, set[str]] = defaultdict(set)
    distinct = replayed.loc[hit, ["key", "take", "test"]].drop_duplicates().astype(object)
    for key, take, test in distinct.itertuples(index=False):
        asking[str(key), int(take)].add(str(test))
    named = zip(entries["key"], entries["take"], entries["tests"], gone, strict=True)
    tests = [
        tuple(sorted({*known, *asking.get((key, take), ())})) if late else known
        for key, take, known, late in named
    ]
    return pd.Series(tests, index=entries.index, dtype=object)
