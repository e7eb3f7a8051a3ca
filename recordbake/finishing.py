"""What happens at the end of a run: what its processes wrote is merged, read and described."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from recordbake import from_audit, hub_cache, seen_secrets
from recordbake.errors import DamagedError
from recordbake.files import naming
from recordbake.journal import journal_lines
from recordbake.locks import recording_lock
from recordbake.merge import forget_merge, incomplete, merge_entries
from recordbake.run_summary import Summary, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from recordbake.gathering import Gathering
    from recordbake.recording import Recording, Run
    from recordbake.run_info import RunInfo


def merge_journal(run: Run) -> None:
    """Write the run's journal from its shards, in time order."""
    if not run.path.is_dir():
        raise DamagedError(
            "the run's directory was deleted while the command ran, and what it kept with it",
            where=run.path,
            next_step="keep it from what the suite or others clean up, then run it again",
        )
    temporary = run.journal.with_suffix(".part")
    with naming(temporary), temporary.open("wb") as stream:
        stream.writelines(journal_lines(run))
    temporary.replace(run.journal)


def finish(
    recording: Recording, run: Run, info: RunInfo, gathered: Gathering | None = None,
    judge: Callable[[Summary], int] | None = None,
) -> Summary:  # fmt: skip
    """Merge a run that has ended: its journal, and what it recorded; may be repeated.

    Args:
        recording: where to.
        run: its directory.
        info: what it says of itself; completed and written.
        gathered: what was read of its shards while it went on.
        judge: gives the exit code, once all else that it says is known.

    Raises:
        RecordbakeError: the recording is busy, damaged or cannot be written; the shards stay.
    """
    merge_journal(run)
    summary = summarise(run)
    if info.mode == "record":
        with recording_lock(recording.path, shared=False):
            captured = merge_entries(
                recording, run, summary.outcomes,
                whole=not info.missing, authorized=info.authorized,
                refetched=from_audit.keys_of(run.path / from_audit.FILE_NAME), gathered=gathered,
            )  # fmt: skip
            seen = {**os.environ, "HF_HOME": str(run.hf_cache), "HF_TOKEN_PATH": ""}
            seen_secrets.remember(recording.path, seen)
            hub_cache.fold(run.hf_cache, recording.hf_cache)
        info.incomplete = incomplete(captured, summary.outcomes)
    info.lost = not run.complete.exists()
    info.counts = dict(summary.counts)
    info.ended_at = info.ended_at or time.time()
    if judge is not None:
        info.exit_code = judge(summary)
    info.write(run.info)
    shutil.rmtree(run.shards, ignore_errors=True)
    if info.mode == "record" and info.missing:
        with recording_lock(recording.path, shared=False):
            forget_merge(recording, run)
    return summary
