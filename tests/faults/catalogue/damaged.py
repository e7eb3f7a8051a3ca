"""Bits that change, files that are cut, blocks of zeros, at random places of everything kept.

Every command that reads it ends with what it would have made of the undamaged files, or with exit
12 and a word of what, where and next; a replay serves no wrong byte; nothing ends in a traceback.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from recordbake.bake import bake
from tests.faults.fault import Fault
from tests.faults.flipping import READERS, prepare
from tests.faults.processes import environ
from tests.faults.suites import tests
from tests.support.bakes import make_sample
from tests.support.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fault import Trial

#: Changes in one process, which is started once for them.
_BATCH = 5


def _pristine(where: Path) -> None:
    recording = make_sample(where)
    bake(recording, where / "bake")
    prepare(where)


def damaged(*names: str) -> Callable[[Trial], None]:
    """Damage one of some files, some times, and read it by every command that does."""

    def inject(trial: Trial) -> None:
        pristine = trial.shared("pristine", _pristine)
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.flipping", pristine, trial.where, trial.seed,
             str(_BATCH), *names],
            cwd=ROOT, env=environ(trial.where), capture_output=True, text=True, check=False,
            timeout=600,
        )  # fmt: skip
        trial.injected = _BATCH
        if done.returncode:
            trial.wrong(done.stderr[-3000:])
            return
        for text in json.loads(done.stdout):
            trial.wrong(text)

    return inject


_STORE, _BODIES, _JOURNAL, _INFO, *_BAKE = READERS
FAULTS = [
    Fault("Locked and damaged", "changed bits, cuts, zeros in the store", damaged(_STORE), 20, 1),
    Fault("Locked and damaged", "in a body", damaged(_BODIES), 10, 1),
    Fault("Locked and damaged", "in a journal or run.json", damaged(_JOURNAL, _INFO), 10, 1),
    Fault("Locked and damaged", "in a bake's archives or manifest", damaged(*_BAKE), 10, 1),
    tests(
        "Locked and damaged", "a killed writer's hot journal, a write-ahead log",
        "tests/faults/test_store_faults.py",
    ),
]  # fmt: skip
