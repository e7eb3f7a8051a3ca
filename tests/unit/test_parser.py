"""The parser loads the one command that is asked for, and nothing that would tell a difference."""

from __future__ import annotations

import pytest

from recordbake import commands
from recordbake.commands.parser import build_parser


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["record", "--", "x"], {"record"}),
        (["--debug", "record", "--help"], {"record"}),
        (["--help", "record"], set(commands.NAMES)),
        (["--vers"], set(commands.NAMES)),
        (["recrod"], set(commands.NAMES)),
        ([], set(commands.NAMES)),
    ],
)
def test_only_a_command_that_is_sure_to_be_meant_is_loaded_alone(words, known):
    (subparsers,) = [a for a in build_parser(words)._actions if a.dest == "action"]
    assert set(subparsers.choices) == known


@pytest.mark.parametrize("name", commands.NAMES)
def test_a_command_alone_is_parsed_as_among_the_others(name, capsys):
    said = []
    for parser in (build_parser([name]), build_parser()):
        for words in ([name, "--help"], [name, "--no-such-option"]):
            with pytest.raises(SystemExit):
                parser.parse_args(words)
        said.append(tuple(capsys.readouterr()))
    assert said[0] == said[1]
