"""Memory that is freed is kept for the next block.

glibc gives large blocks back to the system at once and asks for them again: zeroed, page by page,
the same few megabytes for each block of a bake. That was a ninth of its CPU time.
Source: mallopt(3).
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: Bytes that a bake has in hand at once, at most, are fewer.
_KEPT = 256 << 20
_LARGEST = 32 << 20  # what glibc allows (HEAP_MAX_SIZE / 2)
_ARENAS = 2


def keep_freed() -> None:
    """Let this process keep what it frees; where the C library has no such switch, nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_ARENA_MAX, _ARENAS)
