"""What an option may be: text of a flag or variable, or a value of the table, turned into it."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.errors import UsageError
from recordbake.settings.options import OPTIONS, flag_name

if TYPE_CHECKING:
    from collections.abc import Callable


def _to_bool(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True,
             "0": False, "false": False, "no": False, "off": False, "": False}  # fmt: skip
    return known[value.strip().lower()]


def _to_path(value: str) -> Path:
    if not value:
        raise ValueError  # it would be the current directory
    return Path(value)


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


#: Declared type -> how text from a flag or a variable becomes a value.
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "Path": _to_path,
    "Path | None": _to_path,
    "str": str,
    "bool": _to_bool,
    "float": float,
    "list[str]": _split,
    "list[int]": lambda value: [int(part) for part in _split(value)],
}

#: Declared type -> what the table may hold, and for a list what its items may be.
_TABLE_TYPES: dict[str, tuple[type, ...]] = {
    "Path": (str,),
    "Path | None": (str,),
    "str": (str,),
    "bool": (bool,),
    "float": (int, float),
    "list[str]": (list,),
    "list[int]": (list,),
}
_ITEMS = {"list[str]": str, "list[int]": int}


def from_text(name: str, text: str, where: str) -> Any:
    """A value from a flag or variable.

    Raises:
        UsageError: the text is not a value of the option's type.
    """
    declared = OPTIONS[name]
    try:
        value = shlex.split(text) if name == "command" else FROM_TEXT[str(declared.type)](text)
    except (ValueError, KeyError):
        raise UsageError(
            f"{text!r} is not a value for {name} ({declared.type})",
            where=where,
            next_step=f"{flag_name(name)}: {declared.metadata['help']}",
        ) from None
    return _checked(name, value, where)


def from_table(name: str, given: Any, where: str = "[tool.recordbake]") -> Any:
    """A value from the table.

    Raises:
        UsageError: it is not a value of the option's type.
    """
    declared = str(OPTIONS[name].type)
    value = given
    if name == "command" and isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise UsageError(
                f"{name} cannot be split into words: {error}", where=where,
                next_step="close the quotation, or give a list of words",
            ) from None  # fmt: skip
    fits = isinstance(value, _TABLE_TYPES[declared]) and (
        declared == "bool" or not isinstance(value, bool)
    )
    if fits and declared in _ITEMS:
        fits = all(type(item) is _ITEMS[declared] for item in value)
    if not fits or ("Path" in declared and not value):
        raise UsageError(
            f"{name} takes {declared}, not {given!r}", where=where, next_step="mend the value"
        )
    return _checked(name, Path(value) if "Path" in declared else value, where)


def _checked(name: str, value: Any, where: str) -> Any:
    known = OPTIONS[name].metadata
    if known["choices"] and value not in known["choices"]:
        raise UsageError(
            f"{value!r} is not a value for {name}",
            where=where,
            next_step=f"choose one of: {', '.join(known['choices'])}",
        )
    least, above, most = known["least"], known["above"], known["most"]
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and not (
            math.isfinite(number)
            and (least is None or number >= least)
            and (above is None or number > above)
            and (most is None or number <= most)
        ):
            raise UsageError(
                f"{number!r} is not a value for {name}", where=where, next_step=_limits(name)
            )
    return value


def _limits(name: str) -> str:
    known = OPTIONS[name].metadata
    words = {"least": "at least", "above": "above", "most": "at most"}
    parts = [f"{word} {known[key]}" for key, word in words.items() if known[key] is not None]
    return f"give a number {' and '.join(parts)}".rstrip()
