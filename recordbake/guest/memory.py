"""What this process has looked up, checked and decoded: the store does not change while it is read.

Suites ask for some URLs hundreds of times: the Hub's answer to HEAD, a status that is polled. The
second answer to a request costs neither SQLite nor JSON nor digests. Nothing that a caller gets
is shared: what it may change is made anew for each answer.
"""

from __future__ import annotations

import posix

from .codec import CodecError
from .codings import readable
from .dates import as_far_away
from .exchange import Head, Take
from .keys import vary_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Headers

# A suite may replace functions of Python by mocks; these are the real ones.
_stat = posix.stat

#: Bytes of a half: at most twice as much is held.
_HALF = 4 << 20
#: Halves that the rows of one key may take: a login, say, that was answered anew in each test.
_LARGEST = 8
#: Keys that are known to have been asked for.
_MOST_KEYS = 10_000
#: Bytes that an answer and a field of its head take beside their text, about.
_ROW, _FIELD = 700, 170


def answer(row: Take) -> Take:
    """What a row answers to a request that it is for.

    Of a row that is held it shares nothing that could be changed; else it is the row itself.

    Raises:
        CodecError: the body's file has another size.
        OSError: there is no such file.
    """
    if row.held:
        row = _copy(row)
    if row.asked is not None and row.head is not None:
        row.head.headers = as_far_away(row.head.headers, row.recorded_at)
    if row.body_path is not None and _stat(row.body_path).st_size != row.body_size:
        raise CodecError("the body's file has another size")
    return row


def is_for(row: Take, headers: Headers) -> bool:
    """Whether a row is an answer to a request with these header fields."""
    return (row.vary is None or vary_matches(row.vary, headers)) and (
        row.asked is None or row.head is None or readable(row.head.headers, headers, row.asked)
    )


def _copy(row: Take) -> Take:
    head = row.head
    if head is not None:
        fields, trailers = head.headers.copy(), head.trailers.copy()
        head = Head(head.status, head.reason, head.version, fields, head.interim, trailers)
    copy = Take(
        row.key, row.take, head, row.body_size, row.body_sha256, body=row.body,
        body_path=row.body_path, failure=row.failure, vary=row.vary,
    )  # fmt: skip
    copy.chunks, copy.asked, copy.recorded_at = row.chunks.copy(), row.asked, row.recorded_at
    return copy


def _size(row: Take) -> int:
    """Bytes of memory, about."""
    fields = row.head.headers if row.head is not None else ()
    return (
        _ROW + sum([_FIELD + len(name) + len(value) for name, value in fields])
        + len(row.body or b"") + 64 * len(row.chunks)
    )  # fmt: skip


class Memory:
    """Decoded rows by key, those that were asked for last; bounded.

    Two generations: when the younger one is full, the older one is forgotten. What would not fit
    into one is held apart, one key at a time: decoding its rows anew for each of its many answers
    would take the square of their number. Threads may meet here: each step is one operation on a
    dictionary, and to lose a row costs a look-up.

    Args:
        half: bytes that a generation holds.
    """

    def __init__(self, half: int = _HALF) -> None:
        self._half = half
        #: Keys that were asked for.
        self.asked: set[str] = set()
        self._young: dict[str, list[Take]] = {}
        self._old: dict[str, list[Take]] = {}
        self._size = 0
        self._large: tuple[str, list[Take]] = "", []

    def get(self, key: str) -> list[Take] | None:
        """The rows of a key, in order; None if they are not held."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self._put(key, found)
            else:
                large, rows = self._large
                found = rows if large == key else None
        return found

    def keep(self, key: str, rows: list[Take]) -> None:
        """Hold the rows of a key if it is asked for again: most never are.

        Nor are rows held of which callers could change something, as a failure's arguments.

        """
        if key not in self.asked:
            if len(self.asked) >= _MOST_KEYS:
                self.asked.clear()
            self.asked.add(key)
            return
        if any(row.failure is not None or (row.head and row.head.interim) for row in rows):
            return
        if sum(map(_size, rows)) <= _LARGEST * self._half:
            for row in rows:
                row.held = True
            self._put(key, rows)

    def _put(self, key: str, rows: list[Take]) -> None:
        size = sum(map(_size, rows))
        if size > self._half:
            self._large = key, rows
            return
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = rows
        self._size += size
