"""``[tool.recordbake]`` in the nearest pyproject.toml, with the line that each key stands in."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from recordbake.errors import UsageError
from recordbake.settings.options import OPTIONS
from recordbake.settings.values import from_table

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

FILE_NAME = "pyproject.toml"


class Table(NamedTuple):
    """The table as it was found.

    Args:
        root: the directory that its relative paths are relative to.
        path: the file; None if there is none.
        values: what it holds, as spelled; empty if there is none.
        text: the file's text.
    """

    root: Path
    path: Path | None = None
    values: dict[str, Any] | None = None
    text: str = ""

    def place(self, key: str) -> str:
        """File and line of a key; the file alone where the line cannot be told."""
        line = line_of(self.text, key)
        return f"{self.path}:{line}" if line else f"{self.path} [tool.recordbake]"

    def options(self) -> dict[str, tuple[Any, str]]:
        """Option -> value and key as spelled.

        Raises:
            UsageError: a key that is no option, one that is given twice, or a value that does not
                fit.
        """
        found: dict[str, tuple[Any, str]] = {}
        for spelled, given in (self.values or {}).items():
            name = spelled.replace("-", "_")
            if name not in OPTIONS:
                raise unknown(spelled, self.place(spelled))
            if name in found:
                raise UsageError(
                    f"{name} is given twice: as {found[name][1]!r} and as {spelled!r}",
                    where=self.place(spelled),
                    next_step="remove one of them",
                )
            try:
                found[name] = (from_table(name, given), spelled)
            except UsageError as error:
                error.where = self.place(spelled)
                raise
        return found


def unknown(spelled: str, where: str) -> UsageError:
    """The error of a name that is no option's, with the nearest that is."""
    import difflib

    near = difflib.get_close_matches(spelled.replace("-", "_").lower(), OPTIONS, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(OPTIONS)}"
    return UsageError(f"unknown option {spelled!r}", where=where, next_step=hint)


def find_table(start: Path) -> Table:
    """The table of the nearest pyproject.toml upwards.

    Raises:
        UsageError: the file cannot be read, or ``tool.recordbake`` is no table.
    """
    for directory in (start, *start.parents):
        path = directory / FILE_NAME
        if path.is_file():
            text = _read(path)
            values = _table(_parse(text, path))
            if not isinstance(values, dict):
                raise UsageError(
                    f"tool.recordbake is not a table: {values!r}",
                    where=path,
                    next_step="write [tool.recordbake], and a line for each option below it",
                )
            return Table(directory, path, values, text)
    return Table(start)


def _table(document: dict[str, Any]) -> Any:
    tool = document.get("tool", {})
    return tool.get("recordbake", {}) if isinstance(tool, dict) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the file is not valid TOML: {error}", where=path, next_step="save it as UTF-8"
        ) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return loads(text)
    except ValueError as error:
        raise UsageError(
            f"the file is not valid TOML: {error}", where=path, next_step="mend the file"
        ) from error


def loads(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ValueError: it is not valid.
        UsageError: there is nothing to parse it with.
    """
    return dict(_parser().loads(text))


def _parser() -> ModuleType:
    """Python's own; on 3.10 a dependency, or pip's copy of it where a strict replay has none."""
    names = ("tomllib",) if sys.version_info >= (3, 11) else ("tomli", "pip._vendor.tomli")
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise UsageError(
        "reading TOML on Python 3.10 needs the package tomli",
        where=sys.executable, next_step="pip install tomli",
    )  # fmt: skip


def line_of(text: str, key: str) -> int | None:
    """The line, from 1, where a key of the table begins; None where that cannot be told.

    The parser knows no lines, but which: the key is there once its line is, and not before.
    """
    lines = text.splitlines(keepends=True)

    def holds(count: int) -> bool:
        try:
            table = _table(loads("".join(lines[:count])))
        except ValueError:  # in the middle of a value
            return False
        return isinstance(table, dict) and key in table

    for number, line in enumerate(lines):
        if key in line and not holds(number):
            ends = (end for end in range(number + 1, len(lines) + 1) if _is_whole(lines, end))
            if holds(next(ends, 0)):
                return number + 1
    return None


def _is_whole(lines: list[str], count: int) -> bool:
    try:
        loads("".join(lines[:count]))
    except ValueError:
        return False
    return True
