"""What a fault is: something that goes wrong, injected many times, and what must not come of it.

A module of :mod:`tests.faults.catalogue` has ``FAULTS``, a list of :class:`Fault`. ``inject`` gets
a :class:`Trial`, does its harm once, and looks at what is left. It says ``trial.lost(...)`` where
something that was reported as kept is gone, ``trial.hung(...)`` where something waits for ever and
``trial.wrong(...)`` for all else that must not be: a wrong answer, a traceback, litter, a silence.
An exception counts, too: TimeoutExpired as hung, any other as wrong.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recordbake.locks import recording_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class NotPossibleError(Exception):
    """This machine does not allow a fault to be injected; says why."""


class Trial:
    """One injection.

    Args:
        where: an empty directory of its own.
        shared: a directory of all trials, for what is made once and only copied from.
        seed: what its randomness comes from; the same seed, the same trial.
    """

    def __init__(self, where: Path, shared: Path, seed: str) -> None:
        self.where = where
        self.seed = seed
        self.chance = random.Random(seed)
        self.injected = 1
        self.problems: dict[str, list[str]] = {"lost": [], "hung": [], "wrong": []}
        self._shared = shared

    def lost(self, text: str) -> None:
        """Something that was reported as kept is not there, or not whole."""
        self.problems["lost"].append(text)

    def hung(self, text: str) -> None:
        """Something does not end."""
        self.problems["hung"].append(text)

    def wrong(self, text: str) -> None:
        """Anything else that must not be."""
        self.problems["wrong"].append(text)

    def check(self, good: object, text: str) -> None:
        """It is wrong unless it is ``good``."""
        if not good:
            self.wrong(text)

    def shared(self, name: str, make: Callable[[Path], object]) -> Path:
        """A directory that ``make`` fills, once for all trials; nobody changes it afterwards."""
        self._shared.mkdir(parents=True, exist_ok=True)
        target = self._shared / name
        with recording_lock(self._shared, shared=False, seconds=600):
            if not target.exists():
                unfinished = self._shared / f"{name}.unfinished"
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(target)
        return target


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Args:
        group: the part of the table that it stands in.
        name: what is done, in a few words; unique.
        inject: does it once, and looks at what is left.
        times: how often in ``nox -s faults``.
        seldom: how often in the ordinary tests.
    """

    group: str
    name: str
    inject: Callable[[Trial], None]
    times: int = 1
    seldom: int = 1


@dataclass
class Row:
    """What came of a fault."""

    group: str
    name: str
    injected: int = 0
    problems: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], "hung": [], "wrong": []}
    )
    not_possible: str = ""

    def add(self, trial: Trial) -> None:
        """Count one trial."""
        self.injected += trial.injected
        for kind, texts in trial.problems.items():
            self.problems[kind] += [f"seed {trial.seed}: {text}" for text in texts]

    @property
    def bad(self) -> list[str]:
        """What must not be, whatever its kind."""
        return [f"{kind}: {text}" for kind, texts in self.problems.items() for text in texts]


def attempt(fault: Fault, trial: Trial) -> None:
    """Inject a fault once; what it raises is counted.

    Raises:
        NotPossibleError: this machine does not allow it.
    """
    try:
        fault.inject(trial)
    except subprocess.TimeoutExpired as error:
        trial.hung(f"{error.cmd} after {error.timeout} s: {_text(error.stderr)}")
    except NotPossibleError:
        raise
    except Exception:  # noqa: BLE001
        trial.wrong(traceback.format_exc())


def _text(output: bytes | str | None) -> str:
    return (output.decode(errors="replace") if isinstance(output, bytes) else output or "")[-2000:]
