"""``recordbake config``."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any

from recordbake.commands import options
from recordbake.errors import EXIT_OK
from recordbake.settings import OPTIONS as ALL
from recordbake.settings import default_of
from recordbake.settings.schema import plain, schema

if TYPE_CHECKING:
    import argparse

    from recordbake.settings import Origin

HELP = "show the value of each option, and where it came from"
#: All but one: ``--command`` would be what follows ``--``.
OPTIONS = tuple(name for name in ALL if name != "command")
EXITS = ("0", "2")
DETAILS = """\
Flags win over variables, variables over `[tool.recordbake]` in pyproject.toml, the table over the
default. The origin of a value is one of these, with the line of the table.
"""
EXAMPLES = """\
recordbake config
recordbake config isolation ignore_hosts
recordbake config --json
recordbake config --schema
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="options to show (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of [tool.recordbake]"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.settings.table import unknown

    if arguments.schema:
        print(json.dumps(schema(), indent=1))
        return EXIT_OK
    names = [name.replace("-", "_") for name in arguments.names] or list(ALL)
    for name in names:
        if name not in ALL:
            raise unknown(name, "the command line")
    found, origins = options.resolve(arguments, OPTIONS)
    values = {name: getattr(found, name) for name in names}
    if arguments.json:
        print(json.dumps({n: _as_json(n, v, origins[n]) for n, v in values.items()}, indent=1))
    else:
        print(render(values, origins))
    return EXIT_OK


def _as_json(name: str, value: Any, origin: Origin) -> dict[str, Any]:
    return {
        "value": plain(value),
        "origin": origin.kind,
        "where": origin.where,
        "default": plain(default_of(name)),
    }


def render(values: dict[str, Any], origins: dict[str, Origin]) -> str:
    """Three columns: option, value, origin."""
    shown = {name: _shown(name, value) for name, value in values.items()}
    wide = max(map(len, shown))
    wider = max(map(len, shown.values()))
    return "\n".join(
        f"{name:<{wide}}  {text:<{wider}}  {_place(origins[name])}" for name, text in shown.items()
    )


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "command":
        return shlex.join(value) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(origin: Origin) -> str:
    where = str(origin)
    return os.path.relpath(where) if origin.kind == "table" else where
