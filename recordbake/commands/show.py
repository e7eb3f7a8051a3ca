"""``recordbake show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "show what is recorded: entries of a URL or a test, with headers and body"
OPTIONS = ("recording",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("url", nargs="?", metavar="URL", help="a URL, or a part of one")
    which.add_argument("--test", metavar="NODEID", help="a test, or the beginning of its name")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.show import opened, render, select

    path = options.load(arguments, OPTIONS, reads=True).recording_path
    with opened(path) as recording:
        entries = select(recording, url=arguments.url, test=arguments.test)
        if arguments.json:
            print(json.dumps([entry.as_json() for entry in entries], indent=1))
        else:
            print(render(entries, whole=bool(arguments.url or arguments.test)))
    return EXIT_OK
