"""``recordbake bake``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.errors import EXIT_OK
from recordbake.recording import Recording

if TYPE_CHECKING:
    import argparse

HELP = "turn the recording into reproducible archives"
OPTIONS = ("recording",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: bake/ in it)")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.bake import bake
    from recordbake.locks import recording_lock
    from recordbake.runs import recover

    recording = Recording(options.load(arguments, OPTIONS).recording_path)
    recover(recording)
    out = arguments.out or recording.bake_dir
    with recording_lock(recording.path, shared=True):
        manifest = bake(recording, out)
    print(manifest.describe(out))
    return EXIT_OK
