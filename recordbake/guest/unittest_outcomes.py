"""Tells the journal which unittest is running and how it ended."""

from __future__ import annotations

import functools
import os

from . import attribution
from .inheritance import follow
from .sign import put_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .events import Journal

#: What each method of ``TestCase`` is called for; they are the same from Python 3.8 to 3.14.
_PHASES = {
    "_callSetUp": attribution.SETUP,
    "_callTestMethod": attribution.CALL,
    "_callTearDown": attribution.TEARDOWN,
    "doCleanups": attribution.TEARDOWN,
}
_TEST = "_recordbake_test"


def _patch_run(cls: Any, journal: Journal) -> None:
    original = cls.run

    @functools.wraps(original)
    def run(self: Any, result: Any = None) -> Any:
        if attribution.is_inside_a_test() or result is None:
            return original(self, result)  # pytest runs it, or it is debugged alone
        follow()
        test = attribution.RunningTest(self.id())
        setattr(self, _TEST, test)
        before = _counts(result)
        try:
            with attribution.Phase(test, attribution.SETUP, os.environ):
                return original(self, result)
        finally:
            test.over = True
            delattr(self, _TEST)
            _report(journal, self, test.name, before, _counts(result))

    cls.run = run


def _patch_phase(cls: Any, name: str, phase: str) -> None:
    original = getattr(cls, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        test = getattr(self, _TEST, None)
        if test is None:
            return original(self, *args, **kwargs)
        with attribution.Phase(test, phase, os.environ):
            return original(self, *args, **kwargs)

    setattr(cls, name, method)


def _counts(result: Any) -> tuple[int, int]:
    """How many tests had failed, and were skipped, according to a ``TestResult``."""
    failed = ("failures", "errors", "unexpectedSuccesses")
    return (
        sum(len(getattr(result, name, ())) for name in failed),
        len(getattr(result, "skipped", ())),
    )


def _report(
    journal: Journal, case: Any, test: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    outcome = "failed" if after[0] > before[0] else "skipped" if after[1] > before[1] else "passed"
    code = getattr(getattr(case, case._testMethodName, None), "__code__", None)
    journal.write(
        "test",
        test=test,
        outcome=outcome,
        phase=attribution.CALL,
        file=code.co_filename if code else None,
        line=code.co_firstlineno if code else None,
    )


def _patch_fixture(cls: Any, name: str) -> None:
    """``setUpClass`` and ``setUpModule`` belong to the test that needs them first."""
    original = getattr(cls, name)

    @functools.wraps(original)
    def method(self: Any, test: Any, result: Any) -> Any:
        if attribution.is_inside_a_test() or not hasattr(test, "id"):
            return original(self, test, result)
        with attribution.Phase(attribution.RunningTest(test.id()), attribution.SETUP, os.environ):
            return original(self, test, result)

    setattr(cls, name, method)


def install(module: ModuleType, settings: dict[str, Any], journal: Journal) -> None:
    """Patch ``unittest.case`` or ``unittest.suite``."""
    put_up(settings)
    if module.__name__ == "unittest.suite":
        for name in ("_handleClassSetUp", "_handleModuleFixture"):
            if hasattr(module.TestSuite, name):
                _patch_fixture(module.TestSuite, name)
        return
    _patch_run(module.TestCase, journal)
    for name, phase in _PHASES.items():
        if hasattr(module.TestCase, name):
            _patch_phase(module.TestCase, name, phase)
