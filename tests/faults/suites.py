"""Faults that tests of the ordinary suite inject: each test that ran is an injection."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from tests.faults.fault import Fault, NotPossibleError
from tests.support.cli import ROOT, clean_environ

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.fault import Trial

#: Seconds after which a file of tests hangs.
_LIMIT = 1800


def tests(group: str, name: str, *arguments: str, **environ: str) -> Fault:
    """A fault of which tests show what comes of it.

    They run in the ordinary suite anyway, so only ``nox -s faults`` runs them as a fault.

    Args:
        group: see :class:`Fault`.
        name: see :class:`Fault`.
        arguments: for pytest: files, from the root of the repository, and options such as ``-k``.
        environ: variables, say for more repetitions than in the ordinary suite.
    """
    return Fault(group, name, _run(arguments, environ), times=1, seldom=0)


def _run(arguments: tuple[str, ...], environ: dict[str, str]) -> Callable[[Trial], None]:
    def inject(trial: Trial) -> None:
        report = trial.where / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments,
             f"--junitxml={report}", f"--basetemp={trial.where / 'tests'}"],
            cwd=ROOT, env=clean_environ(**environ), capture_output=True, text=True, check=False,
            timeout=_LIMIT,
        )  # fmt: skip
        cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
        skipped = [case for case in cases if case.find("skipped") is not None]
        trial.injected = len(cases) - len(skipped)
        for case in cases:
            for kind in ("failure", "error"):
                if (problem := case.find(kind)) is not None:
                    name = f"{case.get('classname')}::{case.get('name')}"
                    trial.wrong(f"{name}: {problem.get('message')}\n{problem.text}")
        if skipped and not trial.injected:
            raise NotPossibleError(str(skipped[0].find("skipped").get("message")))
        good = done.returncode == 0 and cases
        trial.check(good or any(trial.problems.values()), f"pytest said: {done.stdout[-3000:]}")

    return inject
