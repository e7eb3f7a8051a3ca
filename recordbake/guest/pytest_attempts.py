"""Counts how often a test is run again, so that a rerun gets the answers of its own attempt."""

from __future__ import annotations

import os
from collections import Counter

from .events import ATTEMPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AttemptsPlugin:
    """pytest hooks; plugins that rerun a failed test start it with its setup each time."""

    def __init__(self) -> None:
        self._started: Counter[str] = Counter()

    def pytest_runtest_setup(self, item: Any) -> None:
        """Note which attempt begins; nothing is set for the first."""
        attempt = self._started[item.nodeid]
        self._started[item.nodeid] += 1
        if attempt:
            os.environ[ATTEMPT] = str(attempt)
        else:
            os.environ.pop(ATTEMPT, None)


# What pytest.hookimpl(tryfirst=True) sets, without importing pytest: before any fixture.
AttemptsPlugin.pytest_runtest_setup.pytest_impl = {"tryfirst": True}  # type: ignore[attr-defined]
