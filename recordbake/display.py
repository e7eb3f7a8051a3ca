"""What a run does, while it runs: requests, bytes, hits and the test, for who looks on.

In the terminal's title, which nothing of the suite's own output shares; or as a line, where the
suite's output goes elsewhere (docs/adr/0036).
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from recordbake.console import is_quiet, is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUTO, LINE, TITLE, NONE = "auto", "line", "title", "none"
_INTERVAL = 0.5  # seconds
_LONGEST = 200  # characters of a title
#: Terminals with a title (xterm's control sequences); the others may print what sets it.
_TITLED = ("xterm", "screen", "tmux", "rxvt", "vte", "gnome", "konsole", "alacritty", "foot",
           "kitty", "wezterm", "ghostty", "contour", "iterm")  # fmt: skip
# "Set window title", "save title on stack" and "restore it".
# Source: Xterm Control Sequences (OSC 2; XTWINOPS 22 and 23).
_SET, _SAVE, _RESTORE = "\x1b]2;{}\x07", "\x1b[22;2t", "\x1b[23;2t"


def how(wanted: str) -> str:
    """How to show it here: ``title``, ``line`` or ``none``."""
    if wanted == NONE or is_quiet() or not is_terminal(sys.stderr):
        return NONE
    if wanted == LINE or (wanted == AUTO and _is_elsewhere()):
        return LINE
    return TITLE if os.environ.get("TERM", "").startswith(_TITLED) else NONE


def _is_elsewhere() -> bool:
    """Whether standard output is a file: of a pipe, say to tee, the other end may be the screen."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode)


class Watch:
    """Counts what a run's processes have reported so far.

    Args:
        mode: the run's mode.
        shards: where they write.
    """

    def __init__(self, mode: str, shards: Path) -> None:
        self._mode = mode
        self._shards = shards
        self._offsets: dict[str, int] = {}
        self._counts = {"requests": 0, "bytes": 0, "hits": 0}

    def text(self) -> str:
        """One line for people, of printable characters."""
        from recordbake.guest import family

        for path in family.journals(str(self._shards)):
            lines, self._offsets[path] = family.read_from(path, self._offsets.get(path, 0))
            for line in lines:
                self._add(family.parse(line))
        counts = self._counts
        size = f"{counts['bytes'] / 1e6:.1f} MB"
        parts = [f"{self._mode}: {counts['requests']} requests", size, f"{counts['hits']} hits"]
        text = ", ".join(parts) + (f" - {test}" if (test := self._test()) else "")
        return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST]

    def _add(self, event: dict[str, Any]) -> None:
        if event.get("event") == "request":
            self._counts["requests"] += 1
            self._counts["bytes"] += int(event.get("bytes") or 0)
            self._counts["hits"] += event.get("outcome") == "hit"

    def _test(self) -> str | None:
        """The test that began last, of all processes."""
        try:
            signs = [e for e in os.scandir(self._shards) if e.name.endswith(".test")]
            latest = sorted(signs, key=lambda e: e.stat().st_mtime_ns, reverse=True)
        except OSError:
            return None
        from recordbake.isolation.processes import shown_test

        names = (shown_test(sign.path) for sign in latest)
        return next((name for name in names if name), None)


@contextmanager
def showing(way: str, mode: str, shards: Path) -> Iterator[None]:
    """Show what a run does until it ends.

    Args:
        way: from :func:`how`.
        mode: the run's mode.
        shards: where its processes write.
    """
    if way == NONE:
        yield
        return
    screen = _title() if way == TITLE else _line()
    ended = threading.Event()

    def run() -> None:
        with suppress(OSError), screen as show:  # the terminal may go
            watch = Watch(mode, shards)
            while not ended.wait(_INTERVAL):
                show(watch.text())

    thread = threading.Thread(target=run, name="recordbake-display", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _title() -> Iterator[Any]:
    descriptor = sys.stderr.fileno()

    def put(text: str) -> None:
        os.write(descriptor, text.encode())  # whole: nothing of the suite's comes in between

    put(_SAVE)
    try:
        yield lambda text: put(_SET.format(f"recordbake {text}"))
    finally:
        put(_RESTORE)


@contextmanager
def _line() -> Iterator[Any]:
    try:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text
    except ImportError:  # an image that only replays has none
        yield lambda _text: None
        return
    console = Console(stderr=True)
    with Live(
        console=console, transient=True, auto_refresh=False,
        redirect_stdout=False, redirect_stderr=False,
    ) as live:  # fmt: skip
        yield lambda text: live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
