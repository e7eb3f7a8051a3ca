"""The real clock and sleep, out of reach of suites that freeze, move or mock time.

freezegun replaces module attributes that are the real functions; it does not look into tuples.
time-machine changes the functions themselves, all that tell a date: so the date is asked once,
before the suite begins, and then counted by ``perf_counter``, which nobody moves. That goes on
evenly, too, where the machine's clock is set forward or back while a suite runs.
"""

import time

_REAL = (time.perf_counter, time.sleep, time.perf_counter_ns)
#: Unix seconds, UTC, when ``perf_counter`` was 0; the same in whole nanoseconds.
BEGAN = time.time() - time.perf_counter()
BEGAN_NS = int(BEGAN * 1e9)


def now() -> float:
    """Unix seconds, UTC."""
    return BEGAN + _REAL[0]()


def sleep(seconds: float) -> None:
    """Block this thread."""
    _REAL[1](seconds)


def monotonic() -> float:
    """Seconds on a clock that never goes back."""
    return _REAL[0]()


def ticks() -> int:
    """Nanoseconds on a clock that never goes back: whole numbers are written down faster."""
    return _REAL[2]()
