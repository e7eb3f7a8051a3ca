"""Clocks that jump, stand still or are elsewhere."""

from __future__ import annotations

from tests.faults.suites import tests

FAULTS = [
    tests(
        "Time", "freezegun, time-machine, mocks, time zones, clocks set forward and back",
        "tests/process/test_time.py",
    )
]  # fmt: skip
