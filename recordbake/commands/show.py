"""``recordbake show``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from recordbake.commands import completing, options
from recordbake.console import write
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "show what is recorded: entries of a URL or a test, with headers and body"
OPTIONS = ("recording",)
EXITS = ("0", "2", "12")
DETAILS = """\
Without a URL or test it lists everything, a line each. A URL that nothing has is looked for as a
part of one, a test's name as the beginning of one. It works on a recording, on an unpacked bake
and on a bake. Text is decoded, anything else summarised; nothing is sent to the terminal that
could steer it.
"""
EXAMPLES = """\
recordbake show
recordbake show https://api.example.org/items
recordbake show --test tests/test_items.py --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    which = parser.add_mutually_exclusive_group()
    url = which.add_argument("url", nargs="?", metavar="URL", help="a URL, or a part of one")
    url.completer = completing.urls  # type: ignore[attr-defined]
    test = which.add_argument(
        "--test", metavar="NODEID", help="a test, or the beginning of its name"
    )
    test.completer = completing.tests  # type: ignore[attr-defined]
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.rendering import render
    from recordbake.show import opened, select

    path = options.load(arguments, OPTIONS, reads=True).recording_path
    with opened(path) as recording:
        entries = select(recording, url=arguments.url, test=arguments.test)
        if arguments.json:
            print(json.dumps([entry.as_json() for entry in entries], indent=1))
        else:
            write(sys.stdout, render(entries, whole=bool(arguments.url or arguments.test)) + "\n")
    return EXIT_OK
