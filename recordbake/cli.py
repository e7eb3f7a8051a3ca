"""The command line; what each command does is in :mod:`recordbake.commands`."""

from __future__ import annotations

import argparse
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recordbake import __version__, commands
from recordbake.commands import options
from recordbake.errors import EXIT_INTERRUPTED, RecordbakeError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EXIT_CODES = """\
exit codes:
  0   done; in a replay: everything was answered from the store
  N   the command's own exit code, where the command failed
  2   wrong usage or configuration
  10  strict mode: there were live misses or leaks, or a process was neither hooked nor held
  11  the command passed, but the recording is incomplete
  12  a store, journal or bake is missing, damaged or not what its manifest says
  13  the audit found what --fail-on names
  14  the doctor found that a strict replay could not be trusted here
  15  the bake would ship a secret
"""
_EXAMPLES = """\
examples:
  recordbake record -- pytest -q            run once online, keep everything
  recordbake bake                           make archives of the recording
  recordbake replay --strict -- pytest -q   run offline; a miss fails the run
  recordbake audit                          write reports/audit.html
  recordbake show URL                       what is recorded of it
  recordbake doctor                         can a strict replay be trusted here?
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; docs/reference/cli.md is checked against it."""
    whole = argparse.ArgumentParser(
        prog="recordbake",
        description="Record a test suite's HTTP and Hugging Face Hub traffic once, bake it, and "
        "replay it offline in CI.",
        epilog=f"{_EXAMPLES}\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"recordbake {__version__}")
    whole.add_argument("--debug", action="store_true", help="show tracebacks")
    added = whole.add_subparsers(dest="action", metavar="COMMAND", required=True)

    for name in commands.NAMES:
        module = commands.command(name)
        parser = added.add_parser(name, help=module.HELP, description=module.HELP)
        options.add_options(parser, module.OPTIONS)
        module.add_arguments(parser)
    return whole


@contextmanager
def system_errors() -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise StorageError(error) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the entry point of ``recordbake``.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    dashes = words.index("--") if "--" in words else len(words)
    arguments = build_parser().parse_args(words[:dashes])
    arguments.command = words[dashes + 1 :]  # all of it, with any -- of its own
    try:
        with system_errors():
            return int(commands.command(arguments.action).run(arguments))
    except RecordbakeError as error:
        if arguments.debug:
            traceback.print_exc()
        sys.stderr.write(
            f"recordbake: error: {error}\n  more:  docs/reference/errors.md#{error.anchor}\n"
        )
        return error.exit_code
    except KeyboardInterrupt:
        if arguments.debug:
            traceback.print_exc()
        sys.stderr.write("recordbake: interrupted\n")
        return EXIT_INTERRUPTED
