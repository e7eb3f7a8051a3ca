"""The command line; what each command does is in :mod:`recordbake.commands`."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recordbake import commands, console
from recordbake.commands import options
from recordbake.commands.parser import build_parser
from recordbake.errors import EXIT_INTERRUPTED, BugError, RecordbakeError, StorageError
from recordbake.terminating import TerminatedError, signals_raise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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
    completes = "_ARGCOMPLETE" in os.environ
    parser = build_parser(() if completes else words[:dashes])
    if completes:
        from recordbake.commands.completing import complete

        complete(parser)
    arguments = parser.parse_args(words[:dashes])
    arguments.command = words[dashes + 1 :]  # all of it, with any -- of its own
    try:
        with signals_raise(), system_errors():
            console.be_quiet(options.is_quiet(arguments))
            return int(commands.command(arguments.action).run(arguments))
    except RecordbakeError as error:
        return _told(error, debug=arguments.debug)
    except TerminatedError as ended:
        console.note("terminated", failed=True)
        return 128 + ended.number
    except KeyboardInterrupt:
        _trace(debug=arguments.debug)
        console.note("interrupted", failed=True)
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  # said in words, too; --debug has the rest
        return _told(BugError(error), debug=arguments.debug)


def _told(error: RecordbakeError, *, debug: bool) -> int:
    """Print an error; returns its exit code."""
    _trace(debug=debug)
    text = f"error: {error}\n  more:  {_documentation()}#{error.anchor}"
    console.note(text, console.BAD, failed=True)
    return error.exit_code


def _trace(*, debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()


def _documentation() -> str:
    """Where the page of errors is: on the project's site, if the package names one."""
    from importlib.metadata import PackageNotFoundError, metadata  # dear, and for errors only

    try:
        urls = metadata("recordbake").get_all("Project-URL", [])
    except PackageNotFoundError:  # it runs from its source
        urls = []
    for label, _, url in (entry.partition(", ") for entry in urls):
        if label.lower() == "documentation":
            return f"{url.rstrip('/')}/reference/errors/"
    return "docs/reference/errors.md"
