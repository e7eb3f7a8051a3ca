"""Reads what an audit is made of, and nothing else does: journals, runs, store and Hub caches."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pandas as pd

from recordbake.audit.answers import Facts, read_answers
from recordbake.audit.events import LAST_SECOND, EventTable, clean, is_time
from recordbake.audit.findings.model import latest_replay
from recordbake.errors import DamagedError
from recordbake.store import ENTRY_COLUMNS, FORMAT, connect_readonly

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.recording import Recording, Run

MODES = ("record", "replay", "replay_strict")
_INTEGERS = ("take", "status", "body_size")
_FLOATS = ("recorded_at", "live_ms")
_RUN_COLUMNS = (
    "run", "mode", "started_at", "ended_at", "command", "command_exit_code", "exit_code",
    "barrier", "incomplete", "finished", "has_journal", "damaged_lines", "damaged_info",
)  # fmt: skip


@dataclass(frozen=True)
class HubRepo:
    """One repository in the Hub cache; ``size`` in bytes on disk."""

    repo_type: str
    repo_id: str
    size: int
    files: int
    revisions: int


@dataclass(frozen=True)
class Loaded:
    """What was found on disk.

    Args:
        events: one row an event, see :class:`~recordbake.audit.events.EventTable`.
        runs: one row a run, oldest first; times in Unix seconds (UTC), NaN where not known.
        entries: one row a take, columns of the store's ``entries`` and ``tests`` (a tuple of the
            tests that use it), and the fields of :class:`~recordbake.audit.answers.Facts`.
        hub: repositories, largest first.
        hub_problems: how many directories of the Hub cache could not be understood.
    """

    events: pd.DataFrame
    runs: pd.DataFrame
    entries: pd.DataFrame
    hub: list[HubRepo]
    hub_problems: int


def load(recording: Recording) -> Loaded:
    """Read a recording or an unpacked bake.

    Raises:
        DamagedError: the directory is missing, or the store or a journal cannot be read.
    """
    if not recording.path.is_dir():
        raise DamagedError(
            "there is no recording",
            where=recording.path,
            next_step="make one: recordbake record -- COMMAND",
        )
    table = EventTable()
    rows = []
    for run in recording.runs():
        damaged = table.read(run.journal, run.id)
        rows.append(_run_row(run) | {"damaged_lines": damaged})
    runs = pd.DataFrame(rows, columns=list(_RUN_COLUMNS), dtype=object)
    for name in ("started_at", "ended_at"):
        runs[name] = pd.to_numeric(runs[name], errors="coerce").astype(float)
    hub, problems = hub_repositories(recording.hf_cache / "hub")
    events, entries = table.frame(), load_entries(recording.store)
    entries["tests"] = _tests_today(events, runs, entries)
    return Loaded(events, runs, entries, hub, problems)


def _tests_today(events: pd.DataFrame, runs: pd.DataFrame, entries: pd.DataFrame) -> Any:
    """The tests that use each entry: those that recorded it.

    Where none of them ran in the latest replay (they were renamed), those that hit it there, too.
    """
    replayed = events[events["run"] == latest_replay(runs)]
    ran = set(replayed["test"].dropna().unique())
    gone = [bool(tests) and ran.isdisjoint(tests) for tests in entries["tests"]]
    hits = replayed[(replayed["outcome"] == "hit") & replayed["test"].notna()]
    hits = hits[hits["key"].isin(entries["key"][gone])]
    asking: dict[tuple[str, int], set[str]] = defaultdict(set)
    distinct = hits[["key", "take", "test"]].drop_duplicates().astype(object)
    for key, take, test in distinct.itertuples(index=False):
        asking[str(key), int(take)].add(str(test))
    rows = zip(entries["key"], entries["take"], entries["tests"], gone, strict=True)
    tests = [
        tuple(sorted({*known, *asking.get((key, take), ())})) if late else known
        for key, take, known, late in rows
    ]
    return pd.Series(tests, index=entries.index, dtype=object)


def _run_row(run: Run) -> dict[str, Any]:
    """A run as its ``run.json`` tells it; what is missing there, its name tells."""
    info: Any = None
    there = run.info.is_file()
    try:
        info = json.loads(run.info.read_bytes()) if there else None
    except (OSError, ValueError, RecursionError):
        info = None
    finished = isinstance(info, dict) and info.get("mode") in MODES
    info = info if finished else {}
    started, mode = _from_name(run.id)
    command, missing = info.get("command"), info.get("incomplete")
    return {
        "run": clean(run.id),
        "mode": info.get("mode", mode),
        "started_at": info["started_at"] if is_time(info.get("started_at")) else started,
        "ended_at": info["ended_at"] if is_time(info.get("ended_at")) else None,
        "command": tuple(clean(part) for part in command) if isinstance(command, list) else (),
        "command_exit_code": _code(info.get("command_exit_code")),
        "exit_code": _code(info.get("exit_code")),
        "barrier": clean(info.get("barrier") or ""),
        "incomplete": tuple(i for i in missing if isinstance(i, dict))
        if isinstance(missing, list)
        else (),
        "finished": finished,
        "has_journal": run.journal.is_file(),
        "damaged_info": there and not finished,
    }


def _code(value: Any) -> int | None:
    return value if type(value) is int else None


def _from_name(run_id: str) -> tuple[float | None, str]:
    """Start (Unix seconds, UTC) and mode from ``<UTC start>-<mode>-<random>``."""
    start, _, rest = run_id.partition("-")
    mode = rest.partition("-")[0]
    try:
        moment = datetime.strptime(start, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None, mode if mode in MODES else ""
    return moment.timestamp(), mode if mode in MODES else ""


def load_entries(store: Path) -> pd.DataFrame:
    """The table ``entries``, with the tests that use each take; empty if there is no store.

    Raises:
        DamagedError: the store is damaged or of another format.
    """
    if not store.is_file():
        return _typed(pd.DataFrame(columns=list(ENTRY_COLUMNS), dtype=object), {}, {})
    with closing(connect_readonly(store)) as connection:
        connection.row_factory = None
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            found = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
            if found is None or str(found[0]) != str(FORMAT):
                raise DamagedError(
                    f"the store has format {found and found[0]}, this recordbake reads {FORMAT}",
                    where=store,
                    next_step="use the recordbake that wrote it, or record again",
                )
            columns = ", ".join(ENTRY_COLUMNS)
            frame = pd.read_sql_query(
                f"SELECT {columns} FROM entries ORDER BY key, take",  # noqa: S608
                connection,
                dtype=object,
            )
            tests: dict[tuple[str, int], set[str]] = defaultdict(set)
            for key, take, test in connection.execute("SELECT key, take, test FROM uses"):
                tests[str(key), take].update([str(test)] if test else [])
            answers = read_answers(store)
        except (sqlite3.Error, pd.errors.DatabaseError) as error:
            raise DamagedError(
                f"the store is damaged: {error}",
                where=store,
                next_step="record again: recordbake record -- COMMAND",
            ) from error
    return _typed(frame, tests, answers)


def _typed(
    frame: pd.DataFrame,
    tests: dict[tuple[str, int], set[str]],
    answers: dict[tuple[str, int], Facts],
) -> pd.DataFrame:
    for name in _INTEGERS:
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        numbers = numbers.where(numbers.between(0, 2**53), -1 if name == "status" else 0)
        frame[name] = numbers.astype("int64")
    for name in _FLOATS:
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        frame[name] = numbers.where(numbers.between(0, LAST_SECOND))
    for name in ("key", "method", "url", "host", "body_sha256"):
        texts = [clean(value or "") for value in frame[name]]
        frame[name] = pd.Series(texts, index=frame.index, dtype=object)
    named = list(zip(frame["key"], frame["take"], strict=True))
    by_row = [tuple(sorted(tests.get(name, ()))) for name in named]
    frame["tests"] = pd.Series(by_row, index=frame.index, dtype=object)
    facts = [answers.get(name, Facts()) for name in named]
    frame["lifetime"] = pd.Series([f.lifetime for f in facts], index=frame.index, dtype=float)
    for column in ("looks", "shape", "fields"):
        values = [getattr(f, column) for f in facts]
        frame[column] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def hub_repositories(directory: Path) -> tuple[list[HubRepo], int]:
    """The repositories in a Hub cache, largest first, and how many could not be understood."""
    if not directory.is_dir():
        return [], 0
    from huggingface_hub import scan_cache_dir

    found = scan_cache_dir(directory)
    repos = [
        HubRepo(
            clean(repo.repo_type),
            clean(repo.repo_id),
            int(repo.size_on_disk),
            int(repo.nb_files),
            len(repo.revisions),
        )
        for repo in found.repos
    ]
    repos.sort(key=lambda repo: (-repo.size, repo.repo_type, repo.repo_id))
    return repos, len(found.warnings)
