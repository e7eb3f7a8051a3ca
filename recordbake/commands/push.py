"""``recordbake push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

HELP = "verify a bake and upload it"
OPTIONS = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("bake", type=Path, metavar="BAKE", help="directory of the bake")
    parser.add_argument(
        "url",
        metavar="URL",
        help="where to: hf://datasets/OWNER/NAME, oci://REGISTRY/REPOSITORY:TAG, a URL of fsspec",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake.moving import push

    print(push(arguments.bake, arguments.url).describe(arguments.url))
    return EXIT_OK
