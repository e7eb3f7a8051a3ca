"""``recordbake export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import completing, options
from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "write what is recorded as a HAR file, for the tools of browsers"
OPTIONS = ("recording",)
EXITS = ("0", "2", "12")
DETAILS = """\
All of it, or what `--url` and `--test` choose as in `recordbake show`. Open the file in the network
panel of a browser's developer tools. Request bodies are not in it: a recording does not keep them.
"""
EXAMPLES = """\
recordbake export --har recording.har
recordbake export --har items.har --test tests/test_items.py
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "--har", type=Path, required=True, metavar="FILE", help="the HAR file to write"
    )
    which = parser.add_mutually_exclusive_group()
    url = which.add_argument("--url", metavar="URL", help="a URL, or a part of one")
    url.completer = completing.urls  # type: ignore[attr-defined]
    test = which.add_argument(
        "--test", metavar="NODEID", help="a test, or the beginning of its name"
    )
    test.completer = completing.tests  # type: ignore[attr-defined]


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.exporting import write_har
    from recordbake.show import opened, select

    path = options.load(arguments, OPTIONS, reads=True).recording_path
    with opened(path) as recording:
        entries = select(recording, url=arguments.url, test=arguments.test)
        count = write_har(recording, entries, arguments.har)
    say(f"{count} exchanges: {arguments.har}")
    return EXIT_OK
