"""Which line of the suite, or of the libraries it tests, is at work."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

# A suite may replace functions of Python by mocks; this is the real one.
_getframe = sys._getframe

_STANDARD = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def call_site() -> str | None:
    """``FILE:LINE`` of the innermost frame that is neither Python's nor an installed library's.

    Where there is none, of the innermost installed library's; None in a thread of Python's own.
    """
    library = None
    frame: FrameType | None = _getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if any(mark in path for mark in _INSTALLED):
            library = library or frame
        elif not path.startswith((_STANDARD, _OURS, "<frozen ")):
            return _shown(path, frame.f_lineno)
        frame = frame.f_back
    return None if library is None else _shown(library.f_code.co_filename, library.f_lineno)


def _shown(path: str, line: int) -> str:
    try:
        here = os.getcwd() + os.sep
    except OSError:  # it is gone
        here = ""
    return f"{path.removeprefix(here)}:{line}"
