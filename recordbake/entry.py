"""The entry point: Ctrl-C ends recordbake with 130 at any moment, also while it is being loaded.

So nothing is imported here that Python has not loaded by itself: ``_signal`` is the part of
``signal`` that is built in.
"""

import _signal
import _weakref
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130  # as in recordbake.errors, which is not loaded yet
_AGAIN = 0.1  # seconds


class _Interrupt(KeyboardInterrupt):
    """Ctrl-C, of which can be told whether it is still on its way."""


def main() -> int:
    """Run one command.

    The first SIGINT is a KeyboardInterrupt, so that what was begun is cleaned up; where Python
    drops one, as in a finalizer, it is raised again. The next SIGINT ends the process at once,
    which leaves things as a SIGKILL does: the next command takes up what is there.

    Returns:
        The exit code.
    """
    ours = False
    try:
        ours = _take_over()
        from recordbake.cli import main as run

        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("recordbake: interrupted\n")
        code = _INTERRUPTED
    finally:
        if ours:
            _signal.signal(_signal.SIGINT, _leave)  # nothing is left to do but to end
            _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)
    if code == _INTERRUPTED and ours:
        # Python would take the handler away while it ends, and be killed by the next Ctrl-C.
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            pass
        os._exit(code)
    gc.freeze()  # all goes now: Python need not look for cycles in it
    return code


def _take_over() -> bool:
    """Handle SIGINT, unless somebody else does or this is not the main thread."""
    if _signal.getsignal(_signal.SIGINT) is not _signal.default_int_handler:
        return False
    try:
        _signal.signal(_signal.SIGINT, _interrupt)
    except ValueError:  # another thread
        return False
    return True


def _interrupt(number: int, frame: "FrameType | None") -> None:
    _signal.signal(_signal.SIGINT, _leave)
    sys.unraisablehook = lambda _: None  # where Python cannot raise it, it would print a traceback
    _signal.signal(_signal.SIGALRM, _raise)
    _signal.setitimer(_signal.ITIMER_REAL, _AGAIN, _AGAIN)
    _raise(number, frame)


_raised: "list[_weakref.ref[_Interrupt]]" = []


def _raise(_: int, __: "FrameType | None") -> None:
    """Raise it unless it is on its way, or what was begun is just being cleaned up.

    In a finalizer (``__del__``, a generator's end, a file's) or a weak reference's callback an
    exception ends, and the program would go on as if nobody had pressed a key.
    """
    if not _raised or _raised[-1]() is None:
        raise _new()


def _new() -> _Interrupt:
    interrupt = _Interrupt()
    _raised[:] = [_weakref.ref(interrupt)]
    return interrupt


def _leave(_: int, __: "FrameType | None") -> None:
    os._exit(_INTERRUPTED)
