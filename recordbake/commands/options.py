"""What several commands have in common: flags for settings, and which recording is meant."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake import settings
from recordbake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Options of every command that runs the suite.
RUN = ("recording", "runs_dir", "capture_loopback", "capture_ports", "ignore_hosts",
       "volatile_parameters", "untested_clients", "disk_caches")  # fmt: skip


def add_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Add the flags of settings."""
    for name in names:
        declared = settings.OPTIONS[name]
        arguments: dict[str, Any] = {
            "dest": name,
            "default": None,
            "help": declared.metadata["help"],
        }
        if declared.type == "bool":
            arguments["action"] = argparse.BooleanOptionalAction
        else:
            arguments["metavar"] = "DIR" if "Path" in str(declared.type) else "VALUE"
        parser.add_argument(settings.flag_name(name), **arguments)


def load(
    arguments: argparse.Namespace, names: Sequence[str], *, reads: bool = False
) -> settings.Settings:
    """The settings in force.

    Args:
        arguments: the parsed command line.
        names: options that it may hold.
        reads: the command reads a recording, so ``HTTP_CACHE_DIR`` may name an unpacked bake.

    Raises:
        UsageError: a value does not fit.
    """
    flags: dict[str, Any] = {}
    for name in names:
        value = getattr(arguments, name, None)
        if isinstance(value, str):
            value = settings.from_text(name, value, settings.flag_name(name))
        flags[name] = value
    if reads and flags.get("recording") is None:
        flags["recording"] = _unpacked_bake()
    return settings.load(flags)


def _unpacked_bake() -> Path | None:
    """The bake that ``HTTP_CACHE_DIR`` names, as an image sets it; ``--recording`` wins over it."""
    named = os.environ.get("HTTP_CACHE_DIR")
    if not named or settings.variable_name("recording") in os.environ:
        return None
    path = Path(named).absolute()
    if path.name != "http_cache":
        raise UsageError(
            "HTTP_CACHE_DIR does not name the http_cache directory of an unpacked bake",
            where=path,
            next_step="unset it, or let it end in /http_cache",
        )
    return path.parent
