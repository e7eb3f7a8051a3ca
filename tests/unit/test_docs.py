"""The reference pages say what the code does."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recordbake import commands, errors
from recordbake.commands import exits
from recordbake.commands.parser import build_parser
from tests.support import reference
from tests.support.cli import ROOT

DOCS = ROOT / "docs"


MADE = "run: python -m tests.support.reference"


def test_the_page_of_the_command_line_is_what_help_says():
    assert (DOCS / "reference" / "cli.md").read_text() == reference.cli(), MADE


def test_every_option_is_documented():
    text = (DOCS / "reference" / "configuration.md").read_text()
    assert reference.configuration_rows() + "\n" in text, MADE


def test_the_published_schema_is_the_codes():
    text = (DOCS / "reference" / "config-1.schema.json").read_text()
    assert text == reference.schema_text(), MADE


@pytest.mark.parametrize("name", commands.NAMES)
def test_examples_in_the_help_are_valid(name):
    examples = commands.command(name).EXAMPLES.strip().splitlines()
    assert examples
    for line in examples:
        words = shlex.split(line, comments=True)
        if words[0] == "eval":
            words = shlex.split(words[1].removeprefix("$(").removesuffix(")"))
        words = words[: words.index(">")] if ">" in words else words
        assert words[:2] == ["recordbake", name]
        build_parser().parse_args(words[1 : words.index("--") if "--" in words else None])


@pytest.mark.parametrize("name", commands.NAMES)
def test_exit_codes_in_the_help_are_known(name):
    assert set(commands.command(name).EXITS) <= set(exits.MEANINGS)
    assert set(exits.MEANINGS) - {"N"} == {
        str(code) for key, code in vars(errors).items() if key.startswith("EXIT_")
    }


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


def test_what_contributing_names_is_there():
    """Sessions, files and modules of the checklists."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    command = [sys.executable, "-m", "nox", "-l", "--no-color"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = dict(
        re.findall(r"^[*-] ([\w.-]+)(?:\(.*?\))?(?: \[.*\])? -> (.+)", listed, re.MULTILINE)
    )
    for line in re.findall(r"nox -s ([\w. -]+?)(?= --|`|\n)", text):
        assert set(line.split()) <= set(texts), line
    assert len(texts) == len(re.findall(r"^[*-] ", listed, re.MULTILINE)) - 1  # clients, twice
    for name in re.findall(r"`((?:tests|recordbake|\.devcontainer)/[\w./]+)`", text):
        assert "NAME" in name or (ROOT / name).exists(), name
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module


def test_the_devcontainer_is_valid_json():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert "nox" in found["postCreateCommand"]


def test_every_decision_is_in_the_index_once():
    index = (DOCS / "adr" / "README.md").read_text()
    found = re.findall(r"^- \[(\d{4})\]\((\1-[\w-]+\.md)\) \S", index, re.MULTILINE)
    assert sorted(name for _, name in found) == sorted(
        path.name for path in (DOCS / "adr").glob("0*.md")
    )
    assert len(found) == index.count("\n- ")
