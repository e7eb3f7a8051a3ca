"""Every option, declared once: name, type, default, limits and help.

A field of :class:`Settings` is an option. Its flag is ``--the-name``, its variable
``RECORDBAKE_THE_NAME`` and its key in ``[tool.recordbake]`` ``the_name`` (or ``the-name``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HUB_CACHES = ("warm", "cold")
ISOLATIONS = ("auto", "kernel", "seccomp", "namespace", "process")
PROGRESS = ("auto", "line", "title", "none")


def option(  # noqa: PLR0913
    default: Any, help_text: str, choices: tuple[str, ...] = (), *,
    least: float | None = None, above: float | None = None, most: float | None = None,
) -> Any:  # fmt: skip
    """Declare an option of :class:`Settings`.

    Args:
        default: its default.
        help_text: one line, for ``--help`` and the reference.
        choices: all values that it may have, if they are few.
        least: the least number that it may be, or that a list of numbers may hold.
        above: a number that it must be above.
        most: the greatest number.
    """
    metadata = {
        "help": help_text, "choices": choices, "least": least, "above": above, "most": most,
    }  # fmt: skip
    return Option(default, metadata)


class Option:
    """What is declared of an option: its ``type`` as spelled, its default and further metadata."""

    def __init__(self, default: Any, metadata: dict[str, Any]) -> None:
        self.default = default
        self.metadata = metadata
        self.type = ""


class Settings:
    """The settings of one invocation; ``root`` is the project's directory.

    Not a dataclass: to load :mod:`dataclasses` takes as long as half of our own modules, and each
    command would wait for it.
    """

    root: Path
    recording: Path = option(Path(".recordbake"), "directory of the recording")
    runs_dir: Path | None = option(None, "directory of journals (default: runs/ in the recording)")
    reports: Path = option(Path("reports"), "directory that the audit writes to")
    command: list[str] = option([], "command to run when none is given after --")
    capture_loopback: bool = option(
        default=False, help_text="capture localhost, 127.0.0.0/8 and ::1 too"
    )
    capture_ports: list[int] = option(
        [], "capture loopback servers at these ports", least=1, most=65535
    )
    ignore_hosts: list[str] = option([], "hosts that are neither captured nor blocked")
    volatile_parameters: list[str] = option([], "further query parameters that keys ignore")
    retry_statuses: list[int] = option(
        [429, 502, 503, 504], "statuses that are retried while recording", least=100, most=599
    )
    retry_max_wait: float = option(
        120.0, "seconds to wait for one request's retries, in total", least=0
    )
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
    allow_live_tests: bool = option(
        default=False, help_text="a strict replay lets tests go online that are marked live=True"
    )
    stale_after_days: float = option(30.0, "age in days from which an entry is stale", least=0)
    oversized_mb: float = option(50.0, "size in MB from which the audit names an entry", least=0)
    growth_percent: float = option(
        10.0, "growth since the bake that is no finding, in percent", least=0
    )
    revalidate_rate: float = option(
        5.0, "requests per second to a host while revalidating", above=0
    )
    progress: str = option(
        "auto", "how a run shows what it does on a terminal: its title, a line, or not", PROGRESS
    )
    quiet: bool = option(default=False, help_text="say nothing but errors and what failed")

    def __init__(self, root: Path | None = None, **given: Any) -> None:
        if unknown := given.keys() - OPTIONS.keys():
            raise TypeError(f"no options: {', '.join(sorted(unknown))}")
        defaults = {name: default_of(name) for name in OPTIONS}
        vars(self).update(defaults, root=root or Path(), **given)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"settings do not change: {name}")

    @property
    def recording_path(self) -> Path:
        """The recording's directory, absolute."""
        return self.root / self.recording


def _declared() -> dict[str, Option]:
    found = {name: o for name, o in vars(Settings).items() if isinstance(o, Option)}
    for name, declared in found.items():
        declared.type = Settings.__annotations__[name]
    return found


OPTIONS = _declared()


def default_of(name: str) -> Any:
    """The default of an option."""
    default = OPTIONS[name].default
    return list(default) if isinstance(default, list) else default


def flag_name(name: str) -> str:
    """The command line's spelling of an option."""
    return "--" + name.replace("_", "-")


def variable_name(name: str) -> str:
    """The environment's spelling of an option."""
    return "RECORDBAKE_" + name.upper()
