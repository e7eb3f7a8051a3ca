"""What pytest shows of recordbake: a terminal section, each miss in its test, JUnit properties.

``-p no:recordbake`` switches it off. Nothing here decides the run: the runner reads the journal.
"""

from __future__ import annotations

import sys

from . import attribution, family
from .tally import Tally, describe, is_block, is_miss

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

PLUGIN_NAME = "recordbake"
_SILENT = -2  # pytest's verbosity for -qq


class ReportPlugin:
    """pytest hooks; see pytest's API reference, "Hooks".

    Args:
        settings: the handover's dictionary.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._mode: str = settings["mode"]
        self._barrier: str = settings["barrier"]
        self._directory: str = settings["shards"]
        self._strict_tests: bool = settings["strict_tests"]
        self._family = family.Family(self._directory)
        self._before: dict[str, int] = {}
        self._test = ""
        self._tally = Tally()
        self._unshown: list[dict[str, Any]] = []
        self._session: Tally | None = None

    def pytest_sessionstart(self, session: Any) -> None:
        """What other sessions of this run have reported is not ours to tell."""
        if not hasattr(session.config, "workerinput"):
            paths = family.journals(self._directory)
            self._before = {path: family.read_from(path, 0)[1] for path in paths}

    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Add what the test missed to its report; runs around all other plugins."""
        outcome = yield
        report = outcome.get_result()
        name = attribution.clean_name(item.nodeid)
        if call.when == attribution.SETUP or name != self._test:
            self._test, self._tally, self._unshown = name, Tally(), []
        for event in self._family.news(name):
            if event.get("test") == name:
                self._tally.add(event)
                if is_miss(event) or is_block(event):
                    self._unshown.append(event)
        self._judge(item, report)
        if report.failed and self._unshown:
            text = "\n".join(map(_explained, self._unshown))
            report.sections.append((PLUGIN_NAME, text))
            self._unshown = []
        if call.when == attribution.TEARDOWN:
            report.user_properties.extend(self._properties())

    def _judge(self, item: Any, report: Any) -> None:
        """With ``strict_tests``, a phase that swallowed a block does not pass."""
        swallowed = [event for event in self._unshown if is_block(event)]
        if not self._strict_tests or not swallowed or report.failed or hasattr(report, "wasxfail"):
            return
        more = f" and {len(swallowed) - 1} more" if len(swallowed) > 1 else ""
        message = f"recordbake: blocked {describe(swallowed[0])}{more}, and the test swallowed it"
        report.outcome = "failed"
        report.longrepr = _long_text(item, message)

    def _properties(self) -> list[tuple[str, str]]:
        """JUnit properties of one test, if it made requests."""
        tally = self._tally
        if not tally.requests and not tally.leaks:
            return []
        live = sum(tally.counts[outcome] for outcome in ("stored", "forwarded", "failed"))
        return [
            ("recordbake.hits", str(tally.counts["hit"])),
            ("recordbake.misses", str(len(tally.misses))),
            ("recordbake.leaks", str(len(tally.leaks))),
            ("recordbake.live", str(live)),
        ]

    def _whole_session(self) -> Tally:
        """Everything that was reported since the session began, by all its processes."""
        if self._session is None:
            self._session = Tally()
            for path in family.journals(self._directory):
                lines, _ = family.read_from(path, self._before.get(path, 0))
                self._session.add_lines(lines)
        return self._session

    def pytest_sessionfinish(self, session: Any) -> None:
        """Properties of the whole suite in the JUnit XML report, if one is written."""
        junit = sys.modules.get("_pytest.junitxml")
        if junit is None or hasattr(session.config, "workerinput"):
            return
        stash = getattr(session.config, "stash", {})  # from pytest 7 on
        xml = stash.get(junit.xml_key, None)
        tally = self._whole_session()
        if xml is None or not (tally.requests or tally.leaks):
            return
        xml.add_global_property("recordbake.mode", self._mode)
        for name in ("hit", "stored", "forwarded", "blocked", "failed"):
            xml.add_global_property(f"recordbake.{name}", tally.counts[name])
        xml.add_global_property("recordbake.leaks", len(tally.leaks))
        xml.add_global_property("recordbake.suspect", tally.suspect)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The section, where there is something to tell and somebody wants to read it."""
        tally = self._whole_session()
        if (tally.requests or tally.leaks) and terminalreporter.verbosity > _SILENT:
            terminalreporter.section(PLUGIN_NAME)
            for line in tally.lines(self._mode, self._barrier):
                terminalreporter.line(line)


def _explained(event: dict[str, Any]) -> str:
    message = event.get("message")
    if message:
        return str(message)
    return f"recordbake blocked {describe(event)}: no client that it captures asked for it"


def _long_text(item: Any, message: str) -> Any:
    """A failure's text in the form that makes pytest's short summary show it."""
    code = sys.modules.get("_pytest._code.code")
    path, line, _ = item.location
    try:
        traceback = code.ReprTraceback([code.ReprEntryNative([message + "\n"])], None, "native")  # type: ignore[union-attr]
        place = code.ReprFileLocation(path, (line or 0) + 1, message)  # type: ignore[union-attr]
        return code.ReprExceptionInfo(traceback, place)  # type: ignore[union-attr]
    except (AttributeError, TypeError):  # another release of pytest
        return message


def _mark(name: str, **options: bool) -> None:
    """What ``pytest.hookimpl`` sets, without importing pytest."""
    setattr(vars(ReportPlugin)[name], "pytest_impl", options)  # noqa: B010


_mark("pytest_runtest_makereport", hookwrapper=True, tryfirst=True)
_mark("pytest_sessionfinish", tryfirst=True)
