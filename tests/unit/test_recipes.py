"""The recipes for CI: every recordbake command in them is one that the command line takes."""

from __future__ import annotations

import re
import shlex

import pytest

from recordbake.commands.parser import build_parser
from tests.support.cli import ROOT

RECIPES = [*sorted((ROOT / "docs" / "how-to" / "ci").iterdir()), ROOT / "action.yml"]
_START = r"^\s*(?:- |run: |command: |\*\) |\S+\) |docker run .*? |/opt/\S+/bin/)*"
_COMMAND = re.compile(_START + r"recordbake ([a-z]+[^\n;]*)", re.MULTILINE)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_commands_of_a_recipe(path):
    text = "\n".join(
        line.partition(" #")[0] for line in path.read_text().splitlines() if line.strip()[:1] != "#"
    ).replace("\\\n", " ")
    found = _COMMAND.findall(text)
    assert len(found) >= 3
    for line in found:
        words = shlex.split(line.replace('"${options[@]}"', ""))
        own = words[: words.index("--")] if "--" in words else words
        build_parser().parse_args(own)
