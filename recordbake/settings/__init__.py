"""The settings in force, and where each came from.

Flags win over variables, variables over ``[tool.recordbake]``, the table over the default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recordbake.errors import UsageError
from recordbake.settings.options import (
    OPTIONS,
    Settings,
    default_of,
    flag_name,
    variable_name,
)
from recordbake.settings.table import find_table
from recordbake.settings.values import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "OPTIONS", "Origin", "Settings", "default_of", "flag_name", "from_text", "load", "resolve",
    "variable_name",
]  # fmt: skip

DEFAULT, TABLE, VARIABLE, FLAG = "default", "table", "variable", "flag"


class Origin(NamedTuple):
    """Where a value came from.

    Args:
        kind: ``default``, ``table``, ``variable`` or ``flag``.
        where: file and line, the variable, or the flag; empty for a default.
    """

    kind: str = DEFAULT
    where: str = ""

    def __str__(self) -> str:
        return self.where or self.kind


def load(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Settings:
    """The settings in force; see :func:`resolve`."""
    return resolve(flags, environ, start)[0]


def resolve(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
    *,
    lines: bool = False,
) -> tuple[Settings, dict[str, Origin]]:
    """The settings in force, and the origin of each.

    Args:
        flags: values given on the command line, by option name; None means not given.
        environ: the environment (default: this process's).
        start: where to look for pyproject.toml from (default: the current directory).
        lines: find the lines of the table's keys, which takes some time.

    Raises:
        UsageError: an unknown option or a value that does not fit, with where it came from.
    """
    here = (start or Path.cwd()).resolve()
    table = find_table(here)
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins = dict.fromkeys(OPTIONS, Origin())
    for name, (value, spelled) in table.options().items():
        values[name] = value
        origins[name] = Origin(TABLE, table.place(spelled) if lines else str(table.path))
    _refuse_misspelled(environ)
    for name in OPTIONS:
        variable = variable_name(name)
        text = environ.get(variable)
        if text is not None:
            values[name] = _from_here(from_text(name, text, variable), here)
            origins[name] = Origin(VARIABLE, variable)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _from_here(value, here)
            origins[name] = Origin(FLAG, flag_name(name))
    return Settings(root=table.root, **values), origins


def _from_here(value: Any, here: Path) -> Any:
    """Paths in flags and variables are relative to the current directory."""
    return here / value if isinstance(value, Path) else value


#: Variables of ours that are no options.
OTHER_VARIABLES = frozenset(
    f"RECORDBAKE_{name}" for name in ("MODE", "TEST", "PHASE", "ATTEMPT", "HOOK", "PROBE", "PASSES")
)
_ALIKE = 0.85


def _refuse_misspelled(environ: Mapping[str, str]) -> None:
    """A variable that is nearly an option's is one that would be ignored in silence."""
    known = {variable_name(name) for name in OPTIONS}
    for name in environ:
        if name.startswith("RECORDBAKE_") and name not in known | OTHER_VARIABLES:
            import difflib

            near = difflib.get_close_matches(name, known, 1, _ALIKE)
            if near:
                raise UsageError(
                    f"unknown option {name}",
                    where="the environment",
                    next_step=f"did you mean {near[0]}?",
                )
