"""Injecting faults as often as asked for, several at a time."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.faults.fault import Fault, NotPossibleError, Row, Trial, attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def one(fault: Fault, number: int, work: Path, seed: str) -> Trial:
    """Inject a fault once; its directory is kept if something is wrong.

    Raises:
        NotPossibleError: this machine does not allow it.
    """
    name = "".join(c if c.isalnum() else "-" for c in fault.name)
    where = work / f"{name}-{number}"
    where.mkdir(parents=True)
    trial = Trial(where, work / "shared", f"{seed}/{fault.name}/{number}")
    try:
        attempt(fault, trial)
    finally:
        if not any(trial.problems.values()):
            shutil.rmtree(where, ignore_errors=True)
    return trial


def run(
    faults: Sequence[Fault], work: Path, seed: str, *, jobs: int, share: float,
    say: Callable[[Row, int], None],
) -> list[Row]:  # fmt: skip
    """Inject faults.

    Args:
        faults: which ones.
        work: an empty directory.
        seed: of all randomness.
        jobs: how many trials go on at a time.
        share: of the full number of repetitions, more than 0 and up to 1; at least one each.
        say: told of each fault's row, and how often it was to be injected, when it is done.
    """
    rows = []
    with ThreadPoolExecutor(jobs) as pool:
        started = [
            [
                pool.submit(one, fault, n, work, seed)
                for n in range(max(1, round(fault.times * share)))
            ]
            for fault in faults
        ]
        for fault, futures in zip(faults, started, strict=True):
            row = Row(fault.group, fault.name)
            for future in futures:
                try:
                    row.add(future.result())
                except NotPossibleError as error:
                    row.not_possible = str(error)
            rows.append(row)
            say(row, len(futures))
    return rows
