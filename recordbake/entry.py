"""The entry point: Ctrl-C ends recordbake with 130 at any moment, also while it is being loaded."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130  # as in recordbake.errors, which is not loaded yet


def main() -> int:
    """Run one command.

    The first SIGINT is a KeyboardInterrupt, so that what was begun is cleaned up. The next one
    ends the process at once, which leaves things as a SIGKILL does: the next command takes up
    what is there.

    Returns:
        The exit code.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    try:
        if ours:
            signal.signal(signal.SIGINT, _interrupt)
        from recordbake.cli import main as run

        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("recordbake: interrupted\n")
        code = _INTERRUPTED
    finally:
        if ours:
            signal.signal(signal.SIGINT, _leave)  # nothing is left to do but to end
    if code == _INTERRUPTED and ours:
        # Python would take the handler away while it ends, and be killed by the next Ctrl-C.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    return code


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _leave)
    sys.unraisablehook = lambda _: None  # where Python cannot raise it, it would print a traceback
    signal.default_int_handler(number, frame)


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(_INTERRUPTED)
