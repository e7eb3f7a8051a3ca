"""Reads ahead in the store, as a kernel does in a file: suites ask in the order of their recording.

Looking an answer up between the work of a client costs twice what it costs in a row, when code
and data are still in the processor's caches.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Take

#: Most keys that are read ahead at once.
_MOST = 32


class Ahead:
    """Rows that will be asked for, if it goes on as it did; a wrong guess ends it.

    Threads may meet here: each step is one operation on a dictionary, and a wrong count only
    reads too little.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[Take]] = {}
        #: Where the last answer is that was looked up or read, and how many were read with it.
        self._last = -1
        self._count = 0

    def pop(self, key: str) -> list[Take] | None:
        """The rows of a key, if they were read."""
        return self._rows.pop(key, None)

    def count(self, place: int, takes: int) -> int:
        """How many keys to read that were recorded behind an answer that had to be looked up.

        Args:
            place: the answer's, counted as they were recorded.
            takes: how many answers the key has; they may stand in a row.
        """
        guessed_well = 2 * len(self._rows) <= self._count
        follows = place == self._last + 1
        self._count = min(2 * self._count + 2, _MOST) if guessed_well and follows else 0
        self._rows, self._last = {}, place + takes - 1
        return self._count

    def hold(self, rows: dict[str, list[Take]], last: int) -> None:
        """Hold what was read until it is asked for, or more is read.

        Args:
            rows: by key.
            last: the place of the last of them.
        """
        self._rows, self._last = rows, last
