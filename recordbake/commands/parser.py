"""The parser of the command line; docs/reference/cli.md is made from it."""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

from recordbake import __version__, commands
from recordbake.commands import exits, options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

DESCRIPTION = (
    "Record a test suite's HTTP and Hugging Face Hub traffic once, bake it, and replay it offline "
    "in CI."
)
_EXAMPLES = """\
examples:
  recordbake init                           set a project up
  recordbake record -- pytest -q            run once online, keep everything
  recordbake bake                           make archives of the recording
  recordbake replay --strict -- pytest -q   run offline; a miss fails the run
  recordbake audit                          write reports/audit.html
  recordbake show URL                       what is recorded of it
  recordbake doctor                         can a strict replay be trusted here?

Each option is also a variable (RECORDBAKE_THE_OPTION) and a key of [tool.recordbake] in
pyproject.toml; `recordbake config` shows them. `recordbake COMMAND --help` has examples.
"""
#: Options of every command, which the reference names once.
COMMON = ("--help", "-h", "--debug", "--quiet", "--no-quiet", "-q")


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest command where one is misspelled."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage, and exit with 2."""
        if match := re.search(r"argument COMMAND: invalid choice: '([^']*)'", message):
            import difflib

            near = difflib.get_close_matches(match.group(1), commands.NAMES, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"there is no command {match.group(1)!r}{hint}"
        super().error(message)


def _asked_for(words: Sequence[str]) -> Sequence[str]:
    """The one command that a command line is sure to name, or all."""
    named = next((word for word in words if word != "--debug"), "")
    return [named] if named in commands.NAMES else commands.NAMES


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser with all commands, or with the one that is asked for.

    Args:
        words: what is to be parsed; the other commands are then not loaded.
    """
    whole = Parser(
        prog="recordbake",
        description=DESCRIPTION,
        epilog=f"{_EXAMPLES}\nexit codes:\n{exits.lines()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"recordbake {__version__}")
    whole.add_argument("--debug", action="store_true", help="show tracebacks")
    added = whole.add_subparsers(dest="action", metavar="COMMAND", required=True)
    for name in _asked_for(words):
        module = commands.command(name)
        parser = added.add_parser(
            name,
            help=module.HELP,
            description=_description(module),
            epilog=_epilog(module),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
        )
        options.add_options(parser, module.OPTIONS)
        module.add_arguments(parser)
        if "quiet" not in module.OPTIONS:
            options.add_options(parser, ("quiet",))
    return whole


def _description(module: ModuleType) -> str:
    """What a command does, as plain text as wide as the terminal."""
    text = f"{sentence(module.HELP)}\n\n{getattr(module, 'DETAILS', '')}".strip()
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text).replace("`", "")
    width = min(shutil.get_terminal_size().columns, 100) - 2
    return "\n\n".join(
        part if part.startswith("- ") else textwrap.fill(part, width, break_on_hyphens=False)
        for part in text.split("\n\n")
    )


def sentence(help_text: str) -> str:
    """A help text as a sentence."""
    return f"{help_text[0].upper()}{help_text[1:]}."


def _epilog(module: ModuleType) -> str:
    examples = textwrap.indent(module.EXAMPLES, "  ")
    return f"examples:\n{examples}\nexit codes:\n{exits.lines(module.EXITS)}"


def parsers() -> dict[str, Any]:
    """Command -> its parser."""
    actions = build_parser()._actions  # noqa: SLF001  # argparse has no other way to ask
    found = next(a for a in actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    return dict(found.choices)
