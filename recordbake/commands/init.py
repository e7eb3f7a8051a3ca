"""``recordbake init``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.console import FAINT, GOOD, WARNING, note, say, write
from recordbake.errors import EXIT_OK, UsageError
from recordbake.initial.detect import CIS

if TYPE_CHECKING:
    import argparse

    from recordbake.initial import Edit, Project

HELP = "set a project up: configuration, .gitignore and a CI workflow"
OPTIONS = ()
EXITS = ("0", "2")
DETAILS = """\
It looks at how the suite is run (pytest or unittest), what is installed for it (an extra, a
dependency group, a file of requirements) and where its CI runs, shows what it would change, and
asks. `[tool.recordbake]` is added to pyproject.toml, whose comments and formatting stay; lines to
.gitignore; a workflow that records each night and replays each push and pull request. What is
there already is left alone, so it can be run again; a workflow that differs is replaced only with
`--force`. What follows `--` is the command that runs the suite, if it is another one.
"""
EXAMPLES = """\
recordbake init
recordbake init --dry-run
recordbake init --yes --ci github -- pytest -q tests
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] [-- COMMAND...]"
    parser.add_argument(
        "--ci", choices=CIS, help="which CI to write a workflow for (default: what is found)"
    )
    parser.add_argument(
        "--install", metavar="WORDS",
        help="what pip install takes for the suite (default: what is found)",
    )  # fmt: skip
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show the changes, make none")
    parser.add_argument("--force", action="store_true", help="replace a workflow that differs")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.initial import detect, plan
    from recordbake.initial.edits import unwritten

    asks = not (arguments.yes or arguments.dry_run)
    if asks and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask at", where="standard input",
            next_step="give --yes, or --dry-run to see what it would do",
        )  # fmt: skip
    project = _with_flags(detect(Path.cwd()), arguments)
    if asks and arguments.ci is None:
        project = replace(project, ci=_choose("workflow for", CIS, project.ci))
    edits, told = plan(project)
    kept = list(unwritten(edits, force=arguments.force))
    edits = [edit for edit in edits if edit not in kept]
    _show(project, edits)
    for edit in kept:
        name = edit.path.relative_to(project.root)
        note(f"{name} differs and stays; --force replaces it", WARNING)
    declined = asks and edits and _choose("write this", ("yes", "no"), "yes") == "no"
    if arguments.dry_run or declined:
        return EXIT_OK
    for edit in edits:
        edit.write()
        say(f"wrote {edit.path.relative_to(project.root)}", GOOD)
    if not edits:
        say("nothing to do: the project is set up")
    for text in [*told, f"next: recordbake record -- {shlex.join(project.command)}"]:
        say(text)
    return EXIT_OK


def _with_flags(project: Project, arguments: argparse.Namespace) -> Project:
    if arguments.command:
        project = replace(project, command=tuple(arguments.command))
    if arguments.install is not None:
        project = replace(project, install=tuple(shlex.split(arguments.install)))
    if arguments.ci is not None:
        project = replace(project, ci=arguments.ci)
    return project


def _show(project: Project, edits: list[Edit]) -> None:
    say(f"command:  {shlex.join(project.command)}")
    say(f"install:  {shlex.join(project.install) or '-'}")
    say(f"workflow: {project.ci}")
    for reason in project.reasons:
        say(f"  {reason}", FAINT)
    colours = {"+": GOOD, "-": WARNING}
    for edit in edits:
        for line in edit.diff(project.root).splitlines():
            write(sys.stdout, f"{line}\n", colours.get(line[:1], ""))


def _choose(what: str, choices: tuple[str, ...], default: str) -> str:
    """Ask until one of the choices, or its beginning, is given; the end of input is no."""
    while True:
        shown = "/".join(name.upper() if name == default else name for name in choices)
        sys.stdout.write(f"{what} [{shown}]? ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise UsageError(
                "there was no answer", where=f"{what}?", next_step="give --yes or --dry-run"
            )
        answer = line.strip().lower() or default
        found = [name for name in choices if name.startswith(answer)]
        if answer in choices or len(found) == 1:
            return answer if answer in choices else found[0]
