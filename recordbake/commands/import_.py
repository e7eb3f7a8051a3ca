"""``recordbake import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "take in what other tools recorded: cassettes, HAR files, requests-cache databases"
OPTIONS = ("recording", "ignore_hosts", "volatile_parameters")
EXITS = ("0", "2", "12")
DETAILS = """\
Cassettes of vcrpy and cassetter (YAML, JSON), HAR files and SQLite databases of requests-cache;
of a directory, all that it holds. A cassette `cassettes/test_items/test_first.yaml` is that of
`test_items.py::test_first`. What was filtered from a cassette cannot be brought back: where
credentials were, `recordbake record --missing -- COMMAND` fetches the rest.
"""
EXAMPLES = """\
recordbake import tests/cassettes
recordbake import session.har http_cache.sqlite
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "sources", type=Path, nargs="+", metavar="SOURCE", help="files, or directories with them"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.importing import node_id, take_in
    from recordbake.importing.reading import files, read

    found = options.load(arguments, OPTIONS)
    root = Path.cwd()
    sources = [read(path, lambda p: node_id(p, root)) for path in files(arguments.sources)]
    counts = take_in(sources, found)
    for source in sources:
        left = (
            f", {source.others} left out: not HTTP, or without an answer" if source.others else ""
        )
        say(f"  {source.path}: {source.kind}, {len(source.exchanges)} exchanges{left}")
    passed = f", {counts['bypassed']} to hosts that are ignored" if counts["bypassed"] else ""
    say(f"{counts['stored']} exchanges taken in{passed}: {found.recording_path}")
    return EXIT_OK
