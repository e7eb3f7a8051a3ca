"""``recordbake pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import say
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "download a bake and verify it"
OPTIONS = ()
EXITS = ("0", "2", "12")
DETAILS = """\
From where it was pushed to, or copied to as it is (`https://` works, too), going on where an
earlier pull was cut off. `oci://REGISTRY/REPOSITORY@sha256:...` and
`hf://datasets/OWNER/NAME@COMMIT` name one bake for good.
"""
EXAMPLES = """\
recordbake pull s3://bucket/bake --to bake
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("url", metavar="URL", help="where it was pushed to")
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="DIR",
        help="where to; a bake in it is replaced once the new one is verified",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake.describing import describe
    from recordbake.bake.moving import pull

    say(describe(pull(arguments.url, arguments.to), arguments.to))
    return EXIT_OK
