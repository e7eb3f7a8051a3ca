"""What recordbake says: results on standard output, notes on standard error.

Colours only on terminals, as https://no-color.org and https://force-color.org have it; drawn by
rich, which is not loaded otherwise and need not be installed. With ``quiet``, only what failed.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD, WARNING, BAD, FAINT = "green", "yellow", "bold red", "dim"

_state = {"quiet": False}

#: What GitHub Actions takes for a command in a log: lines that begin with ``::`` (blanks do not
#: count), and ``##[`` anywhere ("Workflow commands for GitHub Actions"; actions/runner,
#: ActionCommand.cs).
_COMMAND = re.compile(r"(^[^\S\n]*)(?=::)|(?<=#)()(?=#\[)", re.MULTILINE)


def be_quiet(quiet: bool) -> None:
    """Say nothing from now on but errors and what failed."""
    _state["quiet"] = quiet


def is_quiet() -> bool:
    """Whether only errors and what failed are said."""
    return _state["quiet"]


def printable(text: str) -> str:
    """Text without what would move the cursor, change colours or turn the reading direction."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def harmless(text: str) -> str:
    """Text that only shows: it steers neither the terminal nor the machine that runs a workflow."""
    return _COMMAND.sub(r"\1\\\2", printable(text))


def say(text: str, style: str = "") -> None:
    """A command's result, on standard output."""
    if not is_quiet():
        write(sys.stdout, text + "\n", style)


def note(text: str, style: str = "", *, failed: bool = False) -> None:
    """A note on standard error; standard output belongs to the suite's command.

    Args:
        text: one line, or several.
        style: a style of rich.
        failed: it is about what failed, and said although quiet.
    """
    if is_quiet() and not failed:
        return
    first, _, rest = text.partition("\n")
    write(sys.stderr, "recordbake: ", FAINT)
    write(sys.stderr, first + "\n", style)
    if rest:
        write(sys.stderr, rest + "\n")
    sys.stderr.flush()


def is_terminal(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    environ = os.environ if environ is None else environ
    return stream.isatty() and environ.get("TERM") not in (None, "", "dumb", "unknown")


def is_coloured(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a stream gets colours: NO_COLOR wins over FORCE_COLOR, that over the terminal."""
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or is_terminal(stream, environ)


def write(stream: TextIO, text: str, style: str = "") -> None:
    """Write text, in a style where the stream gets colours.

    It may hold words from servers and from recordings of others, so it is made :func:`harmless`.
    """
    text = harmless(text)
    if style and is_coloured(stream):
        try:
            from rich.style import Style
        except ImportError:  # an image that only replays has none
            pass
        else:
            body = text.removesuffix("\n")
            text = Style.parse(style).render(body) + text[len(body) :]
    stream.write(text)
