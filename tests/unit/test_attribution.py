"""Whom an event belongs to, where several could be meant."""

from __future__ import annotations

import contextvars

import pytest

from recordbake.guest import attribution
from recordbake.guest.attribution import Phase, RunningTest, current


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Not inside the test of the suite that runs this; pytest sets its variable again and again."""
    monkeypatch.setattr(attribution, "PYTEST_TEST", "RECORDBAKE_UNIT_TEST")
    for name in (attribution.TEST, attribution.PHASE):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_known_outside_tests():
    assert current() == (None, None)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("t.py::a (call)", ("t.py::a", "call")),
        ("t.py::a[x (setup)] (teardown)", ("t.py::a[x (setup)]", "teardown")),
        ("t.py::a[x (y)]", ("t.py::a[x (y)]", None)),
        ("t.py::ä (call)", ("t.py::ä", "call")),
    ],
)
def test_pytests_variable(monkeypatch, variable, expected):
    monkeypatch.setenv(attribution.PYTEST_TEST, variable)
    monkeypatch.setenv(attribution.TEST, "outer")
    assert current() == expected


def test_names_are_what_sqlite_and_pytests_variable_take():
    assert attribution.clean_name("t.py::a[\x00]") == "t.py::a[(null)]"
    assert attribution.clean_name("t.py::a[\udc80]") == "t.py::a[\\udc80]"


def test_a_context_made_in_setup_is_in_the_tests_phase_until_it_is_over():
    test = RunningTest("t.py::a")
    with Phase(test, "setup"):
        context = contextvars.copy_context()
    with Phase(test, "call"):
        assert context.run(current) == ("t.py::a", "call")
    test.over = True
    other = RunningTest("t.py::b")
    with Phase(other, "call"):
        assert context.run(current) == ("t.py::a", "setup")
        assert current() == ("t.py::b", "call")
        assert contextvars.Context().run(current) == ("t.py::b", "call")
    assert current() == (None, None)


def test_a_test_that_runs_tests_gets_its_own_name_back():
    with Phase(RunningTest("outer"), "call"):
        with Phase(RunningTest("inner"), "setup"):
            assert current() == ("inner", "setup")
        assert current() == ("outer", "call")


def test_child_processes_find_it_in_the_environment():
    environ = {attribution.TEST: "the user's"}
    with Phase(RunningTest("case.test"), "call", environ):
        assert environ == {attribution.TEST: "case.test", attribution.PHASE: "call"}
    assert environ == {attribution.TEST: "the user's"}
