"""Each error that can be raised says what, where and what next, and has its exit code and page."""

from __future__ import annotations

import ast
import importlib.metadata
import re

import pytest

from recordbake import cli, commands, errors
from tests.support.cli import ROOT

OURS = {
    name: cls for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, errors.RecordbakeError)
}  # fmt: skip
#: They say where and what next themselves.
COMPLETE = {"StorageError", "BugError"}
PAGE = (ROOT / "docs/reference/errors.md").read_text()


def raised():
    """Where an error is made: name of its class, the call, and the place in the source."""
    for path in sorted((ROOT / "recordbake").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if name in OURS:
                    yield name, node, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_errors_are_found():
    names = {name for name, _, _ in raised()}
    assert names == set(OURS) - {"RecordbakeError"}


@pytest.mark.parametrize(("name", "call", "at"), [pytest.param(*r, id=r[2]) for r in raised()])
def test_it_says_where_and_what_next(name, call, at):
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if name not in COMPLETE:
        assert call.args, at
        assert {"where", "next_step"} <= set(given), at
        for value in given.values():
            assert not (isinstance(value, ast.Constant) and value.value in ("", None)), at


@pytest.mark.parametrize("name", OURS)
def test_its_section_tells_its_exit_code(name):
    cls = OURS[name]
    section = re.search(rf"^## {cls.anchor}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section
    assert name == "RecordbakeError" or f"Exit {cls.exit_code}" in section[1]


def test_a_bug_is_told_in_words_and_its_traceback_only_to_who_asks(monkeypatch, capsys):
    def fail(_):
        raise KeyError("unforeseen")

    monkeypatch.setattr(commands.command("show"), "run", fail)
    assert cli.main(["show"]) == errors.EXIT_BUG
    said = capsys.readouterr().err
    assert "KeyError: 'unforeseen'" in said
    assert "test_errors.py:" in said
    assert "Traceback" not in said
    assert "errors.md#bug" in said
    for words in (["--debug", "show"], ["show", "--debug"]):
        assert cli.main(words) == errors.EXIT_BUG
        assert "Traceback" in capsys.readouterr().err


def test_the_page_is_the_projects_site_where_it_names_one(monkeypatch):
    from email.message import Message

    found = Message()
    found["Project-URL"] = "Documentation, https://docs.example/"
    monkeypatch.setattr(importlib.metadata, "metadata", lambda _: found)
    assert cli._documentation() == "https://docs.example/reference/errors/"
