"""The commands of ``recordbake``, one module each, all of the same form.

A module has ``HELP`` (one line), ``DETAILS`` (paragraphs of Markdown, where there is more to say),
``EXAMPLES`` (commands, a line each), ``EXITS`` (keys of :mod:`.exits`), ``OPTIONS`` (names of
:mod:`recordbake.settings` that it takes as flags), ``add_arguments(parser)`` for what is its own,
and ``run(arguments) -> exit code``. What is heavy is imported in ``run``.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

#: In the order of ``recordbake --help``.
NAMES = (
    "init",
    "record",
    "bake",
    "replay",
    "audit",
    "verify",
    "unpack",
    "merge",
    "import",
    "export",
    "push",
    "pull",
    "show",
    "doctor",
    "config",
    "hook",
    "completion",
)


def command(name: str) -> ModuleType:
    """The module of a command."""
    found: Any = import_module(f"recordbake.commands.{name}{'_' if iskeyword(name) else ''}")
    return found  # type: ignore[no-any-return]
