"""The reference pages say what the code does."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from recordbake import errors, settings
from recordbake.cli import build_parser
from tests.support.cli import ROOT

DOCS = ROOT / "docs"


def commands():
    parser = build_parser()
    return next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices


def test_every_command_and_flag_is_documented_and_nothing_else():
    text = (DOCS / "reference" / "cli.md").read_text()
    sections = dict(
        re.findall(r"^## recordbake (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    )
    assert set(sections) == set(commands())
    for name, parser in commands().items():
        flags = {o for a in parser._actions if a.dest != "help" for o in a.option_strings}
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", sections[name])) == flags, name


def test_every_option_is_documented():
    text = (DOCS / "reference" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(settings.OPTIONS)
    for name in settings.OPTIONS:
        assert f"`{settings.variable_name(name)}`" in text


def subclasses(cls):
    return {cls}.union(*map(subclasses, cls.__subclasses__()))


@pytest.mark.parametrize("cls", sorted(subclasses(errors.RecordbakeError), key=str))
def test_every_error_has_its_anchor(cls):
    assert f"\n## {cls.anchor}\n" in (DOCS / "reference" / "errors.md").read_text()


def test_every_exit_code_is_documented():
    text = (DOCS / "reference" / "exit-codes.md").read_text()
    for name, code in vars(errors).items():
        if name.startswith("EXIT_"):
            assert f"| {code} |" in text, name


@pytest.mark.parametrize("page", sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")]), ids=str)
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_readme_starts_with_its_commands():
    lines = Path(ROOT / "README.md").read_text().splitlines()
    assert lines.index("```console") < 7
