"""Suites that bend Python itself, and surroundings that are odd."""

from __future__ import annotations

from tests.faults.suites import tests

FAULTS = [
    tests(
        "Interference", "monkey-patching, other event loops, plugins, environments, paths, streams",
        "tests/process/test_interference.py",
    )
]  # fmt: skip
