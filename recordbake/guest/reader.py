"""The read-only look-up: one open immutable connection per process, no lock, no write."""

from __future__ import annotations

import _io
import hashlib
import os
import posix
import sqlite3
import sqlite3.dbapi2
from collections import deque
from operator import index
from urllib.parse import quote

from .ahead import Ahead
from .codec import DAMAGE, CodecError, decode_value
from .exchange import DamagedStoreError, Failure, Take
from .keys import decode_json as _loads
from .memory import Memory, answer, is_for
from .row_values import put_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .exchange import Headers

# A suite may replace functions of Python by mocks; these are the real ones.
_open, _getpid = _io.open, posix.getpid
_sha256, _connect = hashlib.sha256, sqlite3.dbapi2.connect

_BY_KEY = """
SELECT entries.take, entries.body_size, entries.body_sha256, entries.vary, entries.failure,
       responses.value, responses.rowid
FROM entries LEFT JOIN responses ON responses.key = entries.response_key
WHERE entries.key = ? ORDER BY entries.take
"""
#: The same of the keys whose answers were recorded next: rows are numbered as they are recorded.
#: The first answer has the name of its key; the others are looked up by theirs.
_NEXT = """
SELECT entries.take, entries.body_size, entries.body_sha256, entries.vary, entries.failure,
       CASE entries.response_key WHEN first.key THEN first.value
       ELSE (SELECT value FROM responses WHERE key = entries.response_key) END,
       first.key
FROM responses AS first CROSS JOIN entries ON entries.key = first.key
WHERE first.rowid > ? AND first.rowid <= ? ORDER BY first.rowid, entries.take
"""
_ORDER = """
SELECT attempt, take FROM uses WHERE key = ? AND test = ? AND attempt <= ?
ORDER BY attempt DESC, n
"""
_MOST_USED = """
SELECT test FROM uses WHERE key = ? GROUP BY test ORDER BY count(*) DESC, test LIMIT 1
"""
_NEAR = """
SELECT method, url, test, key FROM entries WHERE host = ? GROUP BY key
ORDER BY url = ? DESC, substr(url, 1, ?) = ? DESC, key LIMIT 2000
"""
_ASKED = """
SELECT entries.vary, responses.value
FROM entries LEFT JOIN responses ON responses.key = entries.response_key
WHERE entries.key = ? ORDER BY entries.take LIMIT 1
"""


class StoreReader:
    """Looks entries up.

    A look-up takes an idle connection or opens one, so that threads never share one at a time and
    there is no lock of ours to be held while another thread forks. A forked child opens its own
    (SQLite connections must not be carried across; https://www.sqlite.org/howtocorrupt.html, 2.6).

    Args:
        path: the store's file; empty for none.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._bodies = path.rpartition("/")[0] + "/bodies"
        self._whole: set[str] = set()
        self._memory = Memory()
        self._ahead = Ahead()
        #: Keys that were looked up before in this process, not for sure all of them.
        self.asked = self._memory.asked
        self._idle: deque[sqlite3.Connection] = deque()
        self._pid = _getpid()
        self._inherited: list[deque[sqlite3.Connection]] = []  # kept, so that nobody closes them

    def _query(self, sql: str, parameters: tuple[object, ...]) -> list[tuple[object, ...]]:
        if not self._path:
            return []
        try:
            connection = self._take_connection()
            rows: list[tuple[object, ...]] = connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise DamagedStoreError(f"the store cannot be read: {error}") from error
        self._idle.append(connection)
        return rows

    def _take_connection(self) -> sqlite3.Connection:
        if self._pid != _getpid():
            self._inherited.append(self._idle)
            self._idle, self._pid = deque(), _getpid()
        try:
            return self._idle.pop()
        except IndexError:
            uri = f"file:{quote(os.fsencode(self._path))}?mode=ro&immutable=1"
            return _connect(uri, uri=True, check_same_thread=False)

    def close(self) -> None:
        """Close what is idle; a later look-up opens anew."""
        while self._idle and self._pid == _getpid():
            self._idle.pop().close()

    def takes(self, key: str, headers: Headers) -> list[Take]:
        """The takes of a key that these request headers select, in order; for looking at.

        Raises:
            DamagedStoreError: the store or a row is damaged.
        """
        memory = self._memory
        rows = memory.get(key) if key in memory.asked else None
        if rows is None:
            rows = self._ahead.pop(key) or self._look_up(key)
            if rows:
                memory.keep(key, rows)
        if len(rows) == 1 and rows[0].vary is None and rows[0].asked is None:  # as most are
            return rows
        return [row for row in rows if is_for(row, headers)]

    def own(self, take: Take) -> Take:
        """One of :meth:`takes` for a caller who may change it; its body is there.

        Raises:
            DamagedStoreError: it is damaged.
            OSError: the body cannot be read.
        """
        try:
            take = answer(take)
        except DAMAGE as error:
            raise DamagedStoreError(f"entry {take.key}, take {take.take}: {error}") from None
        if take.body_path is not None:
            self._look_at(take.body_path, take.body_sha256)
        return take

    def _look_up(self, key: str) -> list[Take]:
        """Rows from the store, which are checked and decoded here, once."""
        rows, place = [], None
        for row in self._query(_BY_KEY, (key,)):
            try:
                rows.append(self._decoded(key, row))
            except DAMAGE as error:
                raise DamagedStoreError(f"entry {key}, take {row[0]}: {error}") from None
            place = place or row[6]
        if type(place) is int and (count := self._ahead.count(place, len(rows))):
            self._read_ahead(place + len(rows) - 1, count)
        return rows

    def _read_ahead(self, place: int, count: int) -> None:
        """Hold what was recorded next, but for what is damaged: who asks for it is told."""
        try:
            found = self._query(_NEXT, (place, place + count))
        except DamagedStoreError:
            return
        rows: dict[str, list[Take]] = {}
        dropped = set()
        for row in found:
            key = str(row[6])
            try:
                rows.setdefault(key, []).append(self._decoded(key, row))
            except DAMAGE:
                dropped.add(key)
        for key in dropped:
            del rows[key]
        self._ahead.hold(rows, place + count)

    def _decoded(self, key: str, row: tuple[object, ...]) -> Take:
        number, size, sha256, vary, failure, value = row[:6]
        take = Take(key, index(number), None, index(size), str(sha256))  # type: ignore[arg-type]
        if failure is not None:
            take.failure = Failure.from_dict(_loads(str(failure)))
        if vary is not None:
            take.vary = {str(k): str(v) for k, v in _loads(str(vary)).items()}
        if value is None:
            if take.failure is None:
                raise CodecError("the response is missing")
            return take
        put_value(take, value)
        if take.body is None:
            take.body_path = f"{self._bodies}/{take.body_sha256[:2]}/{take.body_sha256}"
        return take

    def _look_at(self, path: str, sha256: str) -> None:
        """See whether a body that is to be given out is whole; once in a process."""
        if sha256 in self._whole:
            return
        digest = _sha256()
        with _open(path, "rb") as stream:
            while data := stream.read(1 << 20):
                digest.update(data)
        if digest.hexdigest() != sha256:
            raise DamagedStoreError(f"the bytes of a body have changed: {path}")
        self._whole.add(sha256)

    def sequence(self, key: str, test: str, attempt: int) -> list[int]:
        """The takes that answered a test's identical requests, in order.

        Of a test that was not recorded with this key (renamed, or another one now starts a
        session's fixture) it is the order of the test that asked most often.

        Args:
            key: what selects the entry.
            test: the test's name, or an empty string.
            attempt: the latest recorded attempt up to this one counts.

        Raises:
            DamagedStoreError: the store is damaged.
        """
        return (
            self._recorded_order(key, test, attempt)
            or [row for (other,) in self._query(_MOST_USED, (key,))
                for row in self._recorded_order(key, str(other), attempt)]
        )  # fmt: skip

    def _recorded_order(self, key: str, test: str, attempt: int) -> list[int]:
        rows = self._query(_ORDER, (key, test, attempt))
        return [int(str(take)) for number, take in rows if number == rows[0][0]]

    def neighbours(self, host: str, url: str) -> list[tuple[str, str, str | None, str]]:
        """Entries of a host as (method, URL, test, key), for explaining a miss of ``url``.

        Raises:
            DamagedStoreError: the store is damaged.
        """
        base = url.partition("?")[0]
        rows = self._query(_NEAR, (host, url, len(base), base))
        return [(str(m), str(u), None if t is None else str(t), str(k)) for m, u, t, k in rows]

    def request_of(self, key: str) -> tuple[Headers, Any, dict[str, str] | None]:
        """What is kept of an entry's request: header fields, body's shape, digests by Vary.

        Raises:
            DamagedStoreError: the store or the entry is damaged.
        """
        try:
            ((vary, value),) = self._query(_ASKED, (key,))
            digests = None if vary is None else dict(_loads(str(vary)))
            if value is None:  # it failed before there was a response
                return [], None, digests
            meta = decode_value(value)[0]  # type: ignore[arg-type]
            headers = [(str(n), str(v)) for n, v in meta["request_headers"]]
            shape = meta.get("request_body")
            if shape is not None:
                shape = {
                    "kind": str(shape["kind"]),
                    "size": int(shape["size"]),
                    "fields": {str(path): str(mark) for path, mark in shape["fields"].items()},
                }
        except DAMAGE as error:
            raise DamagedStoreError(f"entry {key}: {error}") from None
        return headers, shape, digests
