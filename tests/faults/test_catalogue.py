"""Every fault of the catalogue, some times; ``nox -s faults`` injects them as often as it takes."""

from __future__ import annotations

import secrets

import pytest

from tests.faults.catalogue import faults
from tests.faults.fault import Fault, NotPossibleError, Row, Trial, attempt
from tests.faults.report import line, total
from tests.faults.running import one, run

FAULTS = [fault for fault in faults() if fault.seldom]
SEED = secrets.token_hex(4)


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{f.group}-{f.name}" for f in FAULTS])
def test_fault(fault, work):
    row = Row(fault.group, fault.name)
    for number in range(fault.seldom):
        try:
            row.add(one(fault, number, work, SEED))
        except NotPossibleError as error:
            pytest.skip(str(error))
    assert row.bad == []


def test_names_are_unique():
    names = [fault.name for fault in faults()]
    assert len(set(names)) == len(names)


def test_what_goes_wrong_is_counted(tmp_path):
    def inject(trial: Trial) -> None:
        number = int(trial.seed.rpartition("/")[2])
        if number == 0:
            trial.lost("an entry")
        if number == 1:
            trial.hung("a process")
        assert number != 2

    fault = Fault("Killed", "a test's own", inject, times=4)
    (row,) = run([fault], tmp_path, "seed", jobs=2, share=1, say=lambda *_: None)
    assert line(row) == "| a test's own | 4 | 1 | 1 | 1 |\n"
    assert len(row.bad) == 3
    assert total([row]) == "1 faults, 4 times injected: 1 lost, 1 hung, 1 wrong"


def test_a_command_that_does_not_end_hangs(tmp_path):
    import subprocess

    def inject(_: Trial) -> None:
        subprocess.run(["sleep", "60"], timeout=0.01, check=False)

    trial = Trial(tmp_path, tmp_path, "seed")
    attempt(Fault("Killed", "a sleeper", inject), trial)
    assert len(trial.problems["hung"]) == 1
