"""Tells the journal which test is running and how each ended: who vouches for an answer.

Plugin objects, registered with each plugin manager that pytest makes; nothing is installed in
the suite's environment and nothing is printed.
"""

from __future__ import annotations

import functools
import os

from . import attribution
from .inheritance import follow
from .pytest_attempts import AttemptsPlugin
from .pytest_live import LivePlugin
from .pytest_report import PLUGIN_NAME as REPORT
from .pytest_report import ReportPlugin
from .sign import put_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType
    from typing import Any

    from .events import Journal

PLUGIN_NAME = "recordbake-outcomes"


class OutcomesPlugin:
    """pytest hooks; see pytest's API reference, "Hooks"."""

    def __init__(self, journal: Journal, live: LivePlugin) -> None:
        self._journal = journal
        self._live = live
        self._root = ""
        self._running: attribution.RunningTest | None = None

    def pytest_configure(self, config: Any) -> None:
        """Node identifiers and locations are relative to pytest's root directory."""
        self._root = str(config.rootpath)
        attribution.select_with(config.cwd_relative_nodeid)

    def pytest_runtest_setup(self, item: Any) -> Generator[None, None, None]:
        """A fixture of a wider scope belongs to the test that needs it first."""
        follow()
        running = self._running = self._new(item)
        with attribution.Phase(running, attribution.SETUP):
            yield

    def pytest_runtest_call(self, item: Any) -> Generator[None, None, None]:
        """The test itself."""
        follow()
        with attribution.Phase(self._of(item), attribution.CALL):
            yield

    def pytest_runtest_teardown(self, item: Any) -> Generator[None, None, None]:
        """What a fixture of wider scope does at its end belongs to the last test."""
        running = self._of(item)
        with attribution.Phase(running, attribution.TEARDOWN):
            yield
        running.over = True

    def _of(self, item: Any) -> attribution.RunningTest:
        running = self._running
        if running is None or running.name != attribution.clean_name(item.nodeid):
            running = self._running = self._new(item)
        return running

    def _new(self, item: Any) -> attribution.RunningTest:
        return attribution.RunningTest(item.nodeid, self._live.passes(item.nodeid))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Journal a test's setup, call or teardown."""
        if hasattr(report, "node"):
            return  # the controller of pytest-xdist repeats what its workers reported
        if report.when == "call" or report.outcome != "passed":
            path, line, _ = report.location
            self._journal.write(
                "test",
                test=attribution.clean_name(report.nodeid),
                outcome=report.outcome,
                phase=report.when,
                file=os.path.normpath(os.path.join(self._root, path)),
                line=None if line is None else line + 1,
                **({"live": True} if self._live.is_marked(report.nodeid) else {}),
            )


# What pytest.hookimpl(hookwrapper=True, tryfirst=True) sets, without importing pytest: around
# every fixture and every other plugin.
for _name in ("setup", "call", "teardown"):
    _hook: Any = getattr(OutcomesPlugin, f"pytest_runtest_{_name}")
    _hook.pytest_impl = {"hookwrapper": True, "tryfirst": True}


def install(module: ModuleType, settings: dict[str, Any], journal: Journal) -> None:
    """Register the plugins with every ``PytestPluginManager`` made from now on."""
    put_up(settings)
    manager = module.PytestPluginManager
    original = manager.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        live = LivePlugin(settings)
        self.register(live, PLUGIN_NAME + "-live")
        self.register(OutcomesPlugin(journal, live), PLUGIN_NAME)
        self.register(AttemptsPlugin(), PLUGIN_NAME + "-attempts")
        # A pytest that a test runs is under test itself: its output stays as it is.
        if not attribution.is_inside_a_test():
            if settings.get("refetch"):
                from .refetch import SelectionPlugin

                self.register(SelectionPlugin(settings["refetch"]), PLUGIN_NAME + "-selection")
            self.register(ReportPlugin(settings), REPORT)

    manager.__init__ = init
