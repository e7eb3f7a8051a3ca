"""Tells the journal how each test ended, so that the runner knows who vouches for an answer.

A plugin object, registered with each plugin manager that pytest makes; nothing is installed in
the suite's environment and nothing is printed.
"""

from __future__ import annotations

import functools

from .pytest_attempts import AttemptsPlugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .events import Journal

PLUGIN_NAME = "recordbake-outcomes"


class OutcomesPlugin:
    """pytest hooks; see pytest's API reference, "Hooks"."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Journal a test's setup, call or teardown."""
        if hasattr(report, "node"):
            return  # the controller of pytest-xdist repeats what its workers reported
        if report.when == "call" or report.outcome != "passed":
            self._journal.write(
                "test", test=report.nodeid, outcome=report.outcome, phase=report.when
            )


def install(module: ModuleType, journal: Journal) -> None:
    """Register the plugin with every ``PytestPluginManager`` made from now on."""
    manager = module.PytestPluginManager
    original = manager.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.register(OutcomesPlugin(journal), PLUGIN_NAME)
        self.register(AttemptsPlugin(), PLUGIN_NAME + "-attempts")

    manager.__init__ = init
