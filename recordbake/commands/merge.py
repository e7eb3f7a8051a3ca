"""``recordbake merge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK
from recordbake.recording import Recording

if TYPE_CHECKING:
    import argparse

HELP = "unite recordings of several machines or shards"
OPTIONS = ()
EXITS = ("0", "2", "12")
DETAILS = """\
The same entries once, different answers as takes, the Hub's caches united, journals by their
runs. The order does not matter. Prints the requests that were answered differently.
"""
EXAMPLES = """\
recordbake merge shard-1 shard-2 --into .recordbake
"""
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument(
        "recordings", type=Path, nargs="+", metavar="RECORDING", help="recordings or unpacked bakes"
    )
    parser.add_argument(
        "--into",
        type=Path,
        required=True,
        metavar="DIR",
        help="the recording to make; a new or empty directory",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.runs import recover
    from recordbake.uniting import unite

    sources = [Recording(path) for path in arguments.recordings]
    for source in sources:
        recover(source)
    united = unite(sources, Recording(arguments.into))
    say(
        f"{united.entries} entries ({united.takes} takes) from {len(sources)} recordings,"
        f" {united.equal} were there more than once"
    )
    if united.differing:
        say(f"  answered differently, kept as takes: {len(united.differing)}")
        for name in united.differing[:_SHOWN]:
            say(f"    {name}")
    return EXIT_OK
