"""What ``run.json`` tells of runs, and which runs are judged together."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pandas as pd

from recordbake.audit.columns import clean, is_time
from recordbake.audit.findings.model import REPLAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from recordbake.recording import Run

MODES = ("record", *REPLAYS)
RUN_COLUMNS = (
    "run", "mode", "started_at", "ended_at", "command", "command_exit_code", "exit_code",
    "barrier", "incomplete", "finished", "has_journal", "damaged_lines", "damaged_info", "ci_run",
    "judged", "before",
)  # fmt: skip
Row = dict[str, Any]


def describe(run: Run) -> Row:
    """A run as its ``run.json`` tells it; what is missing there, its name tells."""
    try:
        written = run.info.read_bytes() if run.info.is_file() else None
    except OSError:
        written = b""
    return row_of(run.id, written, has_journal=run.journal.is_file())


def row_of(name: str, written: bytes | None, *, has_journal: bool) -> Row:
    """A run by its name and the bytes of its ``run.json``, None if there is none."""
    info: Any = None
    there = written is not None
    try:
        info = json.loads(written) if written else None
    except (ValueError, RecursionError):
        info = None
    finished = isinstance(info, dict) and info.get("mode") in MODES
    info = info if finished else {}
    started, mode = _from_name(name)
    command, missing = info.get("command"), info.get("incomplete")
    return {
        "run": clean(name),
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
        "has_journal": has_journal,
        "damaged_lines": 0,
        "damaged_info": there and not finished,
        "ci_run": clean(info.get("ci_run") or ""),
        "judged": False,
        "before": False,
    }


def mark(sources: Sequence[Sequence[Row]]) -> list[Row]:
    """The runs of all sources, each once and oldest first, with those marked that are judged.

    Judged are each source's latest replay and its latest recording run that ended, and whatever
    belongs to the same run of CI as one of them: its other shards. ``before`` are the replays that
    were judged before those.

    Args:
        sources: the runs of each source, oldest first.
    """
    by_name = {row["run"]: row for rows in reversed(sources) for row in rows}
    every = [by_name[name] for name in sorted(by_name)]
    own = [[by_name[row["run"]] for row in rows] for rows in sources]
    for wanted in (_is_replay, _is_recording):
        for row in _latest(own, every, wanted):
            row["judged"] = True
    oldest = min((r["run"] for r in every if r["judged"] and _is_replay(r)), default="")

    def is_earlier(row: Row) -> bool:
        return _is_replay(row) and not row["judged"] and row["run"] < oldest

    for row in _latest(own, every, is_earlier):
        row["before"] = True
    return every


def _latest(own: list[list[Row]], every: list[Row], wanted: Callable[[Row], bool]) -> list[Row]:
    last = [found[-1] for rows in own if (found := [row for row in rows if wanted(row)])]
    names, shared = {row["run"] for row in last}, {row["ci_run"] for row in last} - {""}
    return [r for r in every if r["run"] in names or (r["ci_run"] in shared and wanted(r))]


def _is_replay(row: Row) -> bool:
    return row["mode"] in REPLAYS and bool(row["has_journal"])


def _is_recording(row: Row) -> bool:
    return row["mode"] == "record" and bool(row["finished"])


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """One row a run; times in Unix seconds (UTC), NaN where not known."""
    runs: pd.DataFrame = pd.DataFrame(list(rows), columns=list(RUN_COLUMNS), dtype=object)
    for name in ("started_at", "ended_at"):
        runs[name] = pd.to_numeric(runs[name], errors="coerce").astype(float)
    for name in ("finished", "has_journal", "judged", "before"):
        runs[name] = runs[name].astype(bool)
    return runs


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
