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


#: Declared type -> what stands for a value in ``--help``.
_METAVARS = {"Path": "DIR", "Path | None": "DIR", "float": "NUMBER", "str": "VALUE",
             "list[str]": "A,B", "list[int]": "N,N"}  # fmt: skip


def add_options(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Add the flags of settings."""
    for name in names:
        declared = settings.OPTIONS[name]
        flags = [settings.flag_name(name)]
        arguments: dict[str, Any] = {"dest": name, "default": None, "help": _help(name)}
        choices = declared.metadata["choices"]
        if declared.type == "bool":
            arguments["action"] = argparse.BooleanOptionalAction
        elif choices:
            arguments["metavar"] = f"{{{','.join(choices)}}}"
        else:
            arguments["metavar"] = _METAVARS[str(declared.type)]
        if name == "quiet":
            flags.insert(0, "-q")
        added = parser.add_argument(*flags, **arguments)
        if choices:
            added.completer = lambda choices=choices, **_: choices  # type: ignore[attr-defined]


def _help(name: str) -> str:
    """The help of an option with its default, where there is one to name."""
    text, default = settings.OPTIONS[name].metadata["help"], settings.default_of(name)
    if default in (None, [], False) or "default" in text:
        return str(text)
    shown = ",".join(map(str, default)) if isinstance(default, list) else default
    return (
        f"{text} (default: {shown:g})" if isinstance(shown, float) else f"{text} (default: {shown})"
    )


def add_json_file(parser: argparse.ArgumentParser) -> None:
    """``--json FILE`` of the commands whose standard output is the suite's."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the summary as JSON (-: to standard output, at the end)",
    )


def is_quiet(arguments: argparse.Namespace) -> bool:
    """Whether only what failed is to be said.

    Raises:
        UsageError: the configuration does not fit.
    """
    return settings.load({"quiet": arguments.quiet}).quiet


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
    flags = _flags(arguments, names)
    if reads and flags.get("recording") is None:
        flags["recording"] = _unpacked_bake()
    return settings.load(flags)


def resolve(
    arguments: argparse.Namespace, names: Sequence[str]
) -> tuple[settings.Settings, dict[str, settings.Origin]]:
    """The settings in force with the origin of each; else as :func:`load`."""
    flags = _flags(arguments, names)
    unpacked = None if flags.get("recording") else _unpacked_bake()
    found, origins = settings.resolve(
        flags | ({"recording": unpacked} if unpacked else {}), lines=True
    )
    if unpacked:
        origins["recording"] = settings.Origin("variable", "HTTP_CACHE_DIR")
    return found, origins


def _flags(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    for name in names:
        value = getattr(arguments, name, None)
        if isinstance(value, str):
            value = settings.from_text(name, value, settings.flag_name(name))
        flags[name] = value
    return flags


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
