"""What a verdict needs to know beside the findings, taken from what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.audit.findings import judged_entries, judged_recordings, judged_replays
from recordbake.audit.verdict import Facts

if TYPE_CHECKING:
    import pandas as pd

    from recordbake.audit.load import Loaded


def of(loaded: Loaded, options: tuple[str, ...] = (), audit: str = "") -> Facts:
    """What the verdict needs to know.

    Args:
        loaded: what was read.
        options: options of recordbake that the verdict's command has to carry.
        audit: where ``audit.json`` is written; empty if it is not.
    """
    entries, runs = loaded.entries, loaded.runs
    return Facts(
        entries=len(entries),
        entry_bytes=int(entries["body_size"].sum()),
        typical_bytes=int(entries["body_size"].median()) if len(entries) else 0,
        judged=len(judged_entries(loaded)),
        replayed=bool(judged_replays(runs)),
        command=_command(runs),
        options=options,
        audit=audit,
    )


def _command(runs: pd.DataFrame) -> tuple[str, ...]:
    """The command of the latest recording run, or else of the latest run that names one."""
    told = runs[runs["command"].map(bool).astype(bool)]
    recorded = told[told["run"].isin(judged_recordings(runs))]
    rows = recorded if len(recorded) else told
    return tuple(rows["command"].iloc[-1]) if len(rows) else ()
