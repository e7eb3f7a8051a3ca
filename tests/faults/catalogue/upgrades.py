"""What another version wrote."""

from __future__ import annotations

from tests.faults.suites import tests

FAULTS = [
    tests("Upgrades", "recordings of older and newer formats", "tests/process/test_formats.py")
]  # fmt: skip
