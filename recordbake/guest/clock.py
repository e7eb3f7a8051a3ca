"""The real clock and sleep, out of reach of suites that freeze or mock time.

Time-freezing libraries replace module attributes that are the real functions; they do not look
into tuples.
"""

from __future__ import annotations

import time

_REAL = (time.time, time.sleep, time.monotonic)


def now() -> float:
    """Unix seconds, UTC."""
    return _REAL[0]()


def sleep(seconds: float) -> None:
    """Block this thread."""
    _REAL[1](seconds)


def monotonic() -> float:
    """Seconds on a clock that never goes back."""
    return _REAL[2]()
