"""Progress of long work, on a terminal only and only after a second."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recordbake.console import is_quiet, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

_DELAY = 1.0  # seconds; who is done by then needs no bar
BYTES, ENTRIES, REVISIONS = "bytes", "entries", "revisions"


def nothing(_: int) -> None:
    """Progress that nobody sees."""


@contextmanager
def progress(what: str, total: int, unit: str = BYTES) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; nothing where that is no terminal or rich is not installed.

    Args:
        what: what is being done, a word or two.
        total: units in all.
        unit: ``bytes``, ``entries`` or ``revisions``.

    Yields:
        What to call with the number of units done since the last call.
    """
    bar = None if is_quiet() or not is_terminal(sys.stderr) else _bar(unit)
    if bar is None:
        yield nothing
        return
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(count: int) -> None:
        if not bar.live.is_started and time.monotonic() - began > _DELAY:
            bar.start()
        bar.update(task, advance=count)

    try:
        yield advance
    finally:
        bar.stop()


def _bar(unit: str) -> Progress | None:
    try:
        from rich import progress as parts
        from rich.console import Console
    except ImportError:  # an image that only replays has none
        return None
    done = parts.DownloadColumn() if unit == BYTES else parts.MofNCompleteColumn()
    return parts.Progress(
        parts.TextColumn("{task.description}"), parts.BarColumn(), done,
        parts.TimeRemainingColumn(), console=Console(stderr=True), transient=True,
        redirect_stdout=False, redirect_stderr=False,
    )  # fmt: skip
