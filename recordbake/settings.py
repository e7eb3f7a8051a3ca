"""Every option, declared once: name, type, default and help.

A field of :class:`Settings` is an option. Its flag is ``--the-name``, its variable
``RECORDBAKE_THE_NAME`` and its key in ``[tool.recordbake]`` ``the_name`` (or ``the-name``). Flags
win over variables, variables over the table, the table over the default.
"""

from __future__ import annotations

import difflib
import os
import shlex
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HUB_CACHES = ("warm", "cold")
ISOLATIONS = ("auto", "kernel", "seccomp", "namespace", "process")


def option(default: Any, help_text: str, choices: tuple[str, ...] = ()) -> Any:
    """Declare an option as a dataclass field."""
    metadata = {"help": help_text, "choices": choices}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The settings of one invocation; ``root`` is the project's directory."""

    root: Path = field(default=Path(), metadata={"help": ""})
    recording: Path = option(Path(".recordbake"), "directory of the recording")
    runs_dir: Path | None = option(None, "directory of journals (default: runs/ in the recording)")
    reports: Path = option(Path("reports"), "directory that the audit writes to")
    command: list[str] = option([], "command to run when none is given after --")
    capture_loopback: bool = option(
        default=False, help_text="capture localhost, 127.0.0.0/8 and ::1 too"
    )
    capture_ports: list[int] = option([], "capture loopback servers at these ports")
    ignore_hosts: list[str] = option([], "hosts that are neither captured nor blocked")
    volatile_parameters: list[str] = option([], "further query parameters that keys ignore")
    retry_statuses: list[int] = option(
        [429, 502, 503, 504], "statuses that are retried while recording"
    )
    retry_max_wait: float = option(120.0, "seconds to wait for one request's retries, in total")
    allow_errors: bool = option(
        default=False, help_text="a recording may hold 429, 5xx and transport errors"
    )
    untested_clients: bool = option(
        default=False, help_text="accept client releases that recordbake was not tested with"
    )
    hub_cache: str = option("warm", "Hub cache of a replay: warm (baked) or cold", HUB_CACHES)
    disk_caches: list[str] = option(
        [], "variables that name further cache directories, such as TORCH_HOME"
    )
    isolation: str = option("auto", "what keeps a strict replay from the network", ISOLATIONS)
    strict_tests: bool = option(
        default=False, help_text="a test that swallowed a blocked request fails (pytest)"
    )
    stale_after_days: float = option(30.0, "age in days from which an entry is stale")
    oversized_mb: float = option(50.0, "size in MB from which the audit names an entry")
    growth_percent: float = option(10.0, "growth since the bake that is no finding, in percent")
    revalidate_rate: float = option(5.0, "requests per second to a host while revalidating")

    @property
    def recording_path(self) -> Path:
        """The recording's directory, absolute."""
        return self.root / self.recording


OPTIONS = {f.name: f for f in fields(Settings) if f.name != "root"}


def flag_name(name: str) -> str:
    """The command line's spelling of an option."""
    return "--" + name.replace("_", "-")


def variable_name(name: str) -> str:
    """The environment's spelling of an option."""
    return "RECORDBAKE_" + name.upper()


def _to_bool(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True,
             "0": False, "false": False, "no": False, "off": False, "": False}  # fmt: skip
    return known[value.strip().lower()]


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


#: Declared type -> how text from a flag or a variable becomes a value.
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "Path": Path,
    "Path | None": Path,
    "str": str,
    "bool": _to_bool,
    "float": float,
    "list[str]": _split,
    "list[int]": lambda value: [int(part) for part in _split(value)],
}

#: Declared type -> what the table may hold.
_TABLE_TYPES: dict[str, tuple[type, ...]] = {
    "Path": (str,),
    "Path | None": (str,),
    "str": (str,),
    "bool": (bool,),
    "float": (int, float),
    "list[str]": (list,),
    "list[int]": (list,),
}


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


def _checked(name: str, value: Any, where: str) -> Any:
    choices = OPTIONS[name].metadata["choices"]
    if choices and value not in choices:
        raise UsageError(
            f"{value!r} is not a value for {name}",
            where=where,
            next_step=f"choose one of: {', '.join(choices)}",
        )
    return value


def find_table(start: Path) -> tuple[Path, dict[str, Any]]:
    """The nearest pyproject.toml upwards and its ``[tool.recordbake]``.

    Returns:
        The directory that relative paths are relative to, and the table (empty if there is none).

    Raises:
        UsageError: the file cannot be parsed.
    """
    for directory in (start, *start.parents):
        path = directory / "pyproject.toml"
        if path.is_file():
            table = _parse(path).get("tool", {}).get("recordbake", {})
            return directory, dict(table)
    return start, {}


def _parse(path: Path) -> dict[str, Any]:
    # Late: on Python 3.10 it is a dependency, and a strict replay works without any.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the file is not valid TOML: {error}", where=path, next_step="mend the file"
        ) from error


def _fits(value: Any, declared: str) -> bool:
    if isinstance(value, list) and declared.startswith("list["):
        member = int if declared == "list[int]" else str
        return all(type(each) is member for each in value)
    if isinstance(value, bool):
        return declared == "bool"
    return isinstance(value, _TABLE_TYPES[declared])


def _table_values(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    values = {}
    for spelled, given in table.items():
        name, value = spelled.replace("-", "_"), given
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(OPTIONS)}"
            raise UsageError(f"unknown option {spelled!r}", where=where, next_step=hint)
        declared = str(OPTIONS[name].type)
        if name == "command" and isinstance(value, str):
            value = shlex.split(value)
        if not _fits(value, declared):
            raise UsageError(
                f"{name} takes {declared}, not {value!r}", where=where, next_step="mend the value"
            )
        fits = Path(str(value)) if "Path" in declared else value
        values[name] = _checked(name, fits, where)
    return values


def load(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> Settings:
    """The settings in force.

    Args:
        flags: values given on the command line, by option name; None means not given.
        environ: the environment (default: this process's).
        start: where to look for pyproject.toml from (default: the current directory).

    Raises:
        UsageError: an unknown option or a value that does not fit, with where it came from.
    """
    here = (start or Path.cwd()).resolve()
    root, table = find_table(here)
    values = _table_values(table, f"{root / 'pyproject.toml'} [tool.recordbake]")
    for name in OPTIONS:
        variable = variable_name(name)
        text = (os.environ if environ is None else environ).get(variable)
        if text is not None:
            values[name] = _from_here(from_text(name, text, variable), here)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _from_here(value, here)
    return Settings(root=root, **values)


def _from_here(value: Any, here: Path) -> Any:
    """Paths in flags and variables are relative to the current directory."""
    return here / value if isinstance(value, Path) else value
