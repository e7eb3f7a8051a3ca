"""What this process has looked up, checked and decoded: the store does not change while it is read.

Suites ask for some URLs hundreds of times: the Hub's answer to HEAD, a status that is polled. The
second answer to a request costs neither SQLite nor JSON nor digests. Nothing that a caller gets
is shared: what it may change is made anew for each answer.
"""

from __future__ import annotations

import os

from .codec import CodecError
from .codings import readable
from .dates import as_far_away
from .exchange import Data, Head, Take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Chunks, Failure, Headers

#: Bytes of a half: at most twice as much is held.
_HALF = 4 << 20
#: Keys that are known to have been asked for.
_MOST_KEYS = 10_000
#: Bytes that an answer and a field of its head take beside their text, about.
_ROW, _FIELD = 700, 170


class Recorded(Data):
    """A row of the store, decoded.

    ``asked`` are the header fields of the request that was recorded, where the answer may depend
    on them or on the time of the day; else None.
    """

    __slots__ = (
        "asked", "body", "body_path", "body_sha256", "body_size", "chunks", "failure", "head",
        "recorded_at", "take", "vary",
    )  # fmt: skip

    def __init__(self, take: int, body_size: int, body_sha256: str) -> None:
        self.take = take
        self.body_size = body_size
        self.body_sha256 = body_sha256
        self.head: Head | None = None
        self.body: bytes | None = None
        self.body_path: str | None = None
        self.failure: Failure | None = None
        self.vary: dict[str, str] | None = None
        self.chunks: Chunks = []
        self.asked: Headers | None = None
        self.recorded_at = 0.0

    def answer(self, key: str, headers: Headers, *, held: bool) -> Take | None:
        """The row as a take; None where the request's client could not read it.

        Args:
            key: what selected it.
            headers: header fields of the request.
            held: the row will be asked again, so that the take shares nothing with it that could
                be changed.

        Raises:
            CodecError: the body's file has another size.
            OSError: there is no such file.
        """
        head = self.head
        if head is not None:
            fields = head.headers
            if self.asked is not None:
                if not readable(fields, headers, self.asked):
                    return None
                fields = as_far_away(fields, self.recorded_at)
            if held:
                head = Head(head.status, head.reason, head.version, fields.copy())
            else:
                head.headers = fields
        answer = Take(
            key, self.take, head, self.body_size, self.body_sha256, body=self.body,
            body_path=self.body_path, failure=self.failure, vary=self.vary,
        )  # fmt: skip
        answer.chunks = self.chunks.copy() if held else self.chunks
        if self.body_path is not None and os.stat(self.body_path).st_size != self.body_size:
            raise CodecError("the body's file has another size")
        return answer

    def size(self) -> int:
        """Bytes of memory, about."""
        fields = self.head.headers if self.head is not None else ()
        return (
            _ROW + sum([_FIELD + len(name) + len(value) for name, value in fields])
            + len(self.body or b"") + 64 * len(self.chunks)
        )  # fmt: skip


class Memory:
    """Decoded rows by key, those that were asked for last; bounded.

    Two generations: when the younger one is full, the older one is forgotten. Threads may meet
    here: each step is one operation on a dictionary, and to lose a row costs a look-up.

    Args:
        half: bytes that a generation holds.
    """

    def __init__(self, half: int = _HALF) -> None:
        self._half = half
        #: Keys that were asked for.
        self.asked: set[str] = set()
        self._young: dict[str, list[Recorded]] = {}
        self._old: dict[str, list[Recorded]] = {}
        self._size = 0

    def get(self, key: str) -> list[Recorded] | None:
        """The rows of a key, in order; None if they are not held."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self._put(key, found)
        return found

    def keep(self, key: str, rows: list[Recorded]) -> bool:
        """Hold the rows of a key if it is asked for again: most never are.

        Nor are rows held of which callers could change something, as a failure's arguments.

        Returns:
            Whether they are held now.
        """
        if key not in self.asked:
            if len(self.asked) >= _MOST_KEYS:
                self.asked.clear()
            self.asked.add(key)
            return False
        if any(row.failure is not None or (row.head and row.head.interim) for row in rows):
            return False
        return self._put(key, rows)

    def _put(self, key: str, rows: list[Recorded]) -> bool:
        size = sum([row.size() for row in rows])
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        if size > self._half:
            return False
        self._young[key] = rows
        self._size += size
        return True
