"""Makes what is made from the code in docs/reference: ``python -m tests.support.reference``."""

from __future__ import annotations

import argparse
import json
import re
import textwrap

from recordbake import commands, settings
from recordbake.commands import exits
from recordbake.commands.parser import COMMON, parsers, sentence
from recordbake.settings.schema import schema
from tests.support.cli import ROOT

REFERENCE = ROOT / "docs" / "reference"
_CLI = """\
# Command line

`recordbake [--debug] COMMAND`; `recordbake --version`. What follows `--` is the suite's command.
Each option is also a variable and a configuration key: [configuration](configuration.md); more on
exit codes: [exit-codes](exit-codes.md). Every command takes `--help` and `-q`, `--quiet`: say
nothing but errors and what failed.

Colours are for terminals only; `NO_COLOR` and `TERM=dumb` switch them off, `FORCE_COLOR` on. While
the suite's command runs, the terminal's title shows requests, bytes, hits and the current test; a
line does where standard output goes to a file (`--progress`). The command's own output stays as it
is. Words are completed after `eval "$(recordbake completion bash)"`; zsh and fish, too.

<!-- made from `recordbake COMMAND --help` by python -m tests.support.reference -->
"""


def cli() -> str:
    """The page of the command line."""
    return "\n".join([_CLI, *(_command(name, parser) for name, parser in parsers().items())])


def _command(name, parser):
    module = commands.command(name)
    parts = [f"## recordbake {name}", sentence(module.HELP), f"```console\n$ {_usage(parser)}\n```"]
    parts.append(getattr(module, "DETAILS", "").strip())
    rows = [_row(a) for a in parser._actions if not set(a.option_strings) & set(COMMON)]
    if rows:
        parts.append("\n".join(["| argument | meaning |", "| --- | --- |", *rows]))
    examples = textwrap.indent(module.EXAMPLES.strip(), "$ ")
    parts.append(f"```console\n{examples}\n```")
    codes = ", ".join("the command's own" if code == "N" else code for code in module.EXITS)
    parts.append(f"Exits with {codes}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _usage(parser):
    if parser.usage:
        return parser.usage.replace("[options]", "[OPTIONS]")
    required = [a for a in parser._actions if a.required and a.option_strings]
    words = [parser.prog, "[OPTIONS]"]
    for action in parser._actions:
        if not action.option_strings:
            word = action.metavar or "|".join(action.choices)
            words.append(
                {"?": f"[{word}]", "*": f"[{word}...]", "+": f"{word}..."}.get(action.nargs, word)
            )
    words += [f"{a.option_strings[-1]} {a.metavar}" for a in required]
    return " ".join(words)


def _row(action):
    flags = action.option_strings
    value = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else "")
    if not flags:
        words = [value]
    elif action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction) or not value:
        words = flags
    else:
        words = [f"{flag} {value}" for flag in flags]
    shown = ", ".join(f"`{word}`" for word in words)
    text = str(action.help).replace("|", "\\|")
    return f"| {shown} | {text} |"


def configuration_rows() -> str:
    """The table of the options."""
    return "\n".join(map(_option, settings.OPTIONS))


def _option(name):
    declared = settings.OPTIONS[name]
    kind = str(declared.type).replace(" | None", " or None")
    default = settings.default_of(name)
    text = declared.metadata["help"]
    if declared.metadata["choices"]:
        text += f" (one of {', '.join(declared.metadata['choices'])})"
    shown = str(default) if not isinstance(default, list) else json.dumps(default)
    return f"| `{name}` | `{settings.variable_name(name)}` | {kind} | `{shown}` | {text} |"


def configuration(page: str) -> str:
    """A page with its table replaced."""
    return re.sub(
        r"(?<=\| --- \| --- \| --- \| --- \| --- \|\n)(\| `.*\n)+",
        configuration_rows() + "\n",
        page,
    )


def schema_text() -> str:
    """The JSON Schema of the configuration."""
    return json.dumps(schema(), indent=1) + "\n"


def exit_codes() -> dict[str, str]:
    """What --help says of exit codes."""
    return exits.MEANINGS


if __name__ == "__main__":
    (REFERENCE / "cli.md").write_text(cli())
    (REFERENCE / "config-1.schema.json").write_text(schema_text())
    page = REFERENCE / "configuration.md"
    page.write_text(configuration(page.read_text()))
