"""Which of several recorded answers a request gets: those of its test, in the order recorded."""

from __future__ import annotations

import hashlib
import os
import posix
from collections import defaultdict
from functools import lru_cache
from itertools import count

from .exchange import UNREAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Take
    from .reader import StoreReader

# A suite may replace functions of Python by mocks; these are the real ones.
_open, _write, _lseek, _close = posix.open, posix.write, posix.lseek, posix.close
_sha256 = hashlib.sha256


#: Orders that are remembered, each of a request and a test.
_MOST_ORDERS = 100


class TakeOrder:
    """Gives a test's n-th identical request its n-th answer; the last one repeats.

    Requests are counted over all processes of the run: a job may be polled by the children of
    one test.

    Args:
        reader: where the order that was recorded is read.
        directory: the run's, where its processes count together.
    """

    def __init__(self, reader: StoreReader, directory: str) -> None:
        # What polls asks for the same order each time.
        self._sequence = lru_cache(maxsize=_MOST_ORDERS)(reader.sequence)
        self._directory = directory
        # next() on a counter is atomic: threads get different numbers.
        self._own: defaultdict[str, count[int]] = defaultdict(count)

    def choose(self, takes: list[Take], key: str, test: str | None, attempt: int) -> Take:
        """The answer for this request.

        Args:
            takes: what the request's headers select, at least one.
            key: the request's.
            test: the test that causes it.
            attempt: how often that test has been run before.

        Raises:
            DamagedStoreError: the store cannot be read.
        """
        if len(takes) == 1:
            return takes[0]
        by_number = {take.take: take for take in takes}
        used = self._sequence(key, test or "", attempt)
        order = [by_number[number] for number in used if number in by_number] or _read(takes)
        identity = f"{test}\n{attempt}\n{key}\n{takes[0].take}"  # the last: what Vary selected
        return order[min(self._asked_before(identity), len(order) - 1)]

    def _asked_before(self, identity: str) -> int:
        """How many equal requests came before.

        A byte is appended to a file of theirs: the kernel moves the descriptor behind the byte
        that it has just written, so each gets a number of its own without a lock (POSIX write(),
        O_APPEND).
        """
        name = _sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = _open(f"{self._directory}/{name}.asked", flags, 0o666)
            try:
                _write(descriptor, b".")
                return _lseek(descriptor, 0, os.SEEK_CUR) - 1
            finally:
                _close(descriptor)
        except OSError:  # the disk is full, or another user's process: count here
            return next(self._own[name])


def _read(takes: list[Take]) -> list[Take]:
    """For a test that is not known: what somebody wanted to have, where anybody did."""
    return [t for t in takes if t.failure is None or t.failure.kind != UNREAD] or takes
