"""A SQLite database of requests-cache, as it writes it by itself: pickled or as JSON.

Its values are plain data within a pickle. Nothing but plain data is taken from one: a pickle that
names a class or a function, as one does that runs code, is refused.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recordbake.importing.exchange import Answer, Exchange, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from recordbake.guest.exchange import Headers

_SQLITE = b"SQLite format 3\0"  # https://sqlite.org/fileformat.html, section 1.3.1


class _PlainUnpickler(pickle.Unpickler):
    """Loads plain data and nothing else; https://docs.python.org/3/library/pickle.html."""

    def find_class(self, module: str, name: str) -> Any:
        raise ValueError(f"a pickled value names {module}.{name}, which is not loaded")

    def persistent_load(self, pid: Any) -> Any:  # noqa: ARG002
        raise ValueError("a pickled value refers to something outside")


def is_database(path: Path) -> bool:
    """Whether a file is a database of SQLite."""
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE)) == _SQLITE


def exchanges(path: Path) -> tuple[list[Exchange], int]:
    """The exchanges by the time they were made, redirects included, and 0.

    Raises:
        ValueError, KeyError, TypeError: it is not what requests-cache writes.
    """
    uri = f"file:{path.resolve().as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            values = [row[0] for row in connection.execute("SELECT value FROM responses")]
    except sqlite3.Error as error:
        raise ValueError(f"no table of requests-cache: {error}") from error
    made = [exchange for value in values for exchange in _exchanges(_loaded(value))]
    made.sort(key=lambda exchange: exchange.recorded_at or 0.0)
    return made, 0


def _loaded(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        loaded = json.loads(value)
        loaded["_content"] = base64.b64decode(loaded.get("_content") or "")
    else:
        try:
            loaded = _PlainUnpickler(io.BytesIO(value)).load()
        except (pickle.UnpicklingError, EOFError, AttributeError, IndexError) as error:
            raise ValueError(f"a value is not what requests-cache writes: {error}") from error
    if not isinstance(loaded, dict):
        raise TypeError("a value is not what requests-cache writes")
    return loaded


def _exchanges(value: Mapping[str, Any]) -> Iterator[Exchange]:
    for earlier in value.get("history") or ():
        yield from _exchanges(earlier)
    request = value["request"]
    content = value.get("_content") or b""
    status = int(value["status_code"])
    body = request.get("body") or b""
    created = value.get("created_at")
    yield Exchange(
        str(request["method"]),
        str(request["url"]),
        _headers(request.get("headers")),
        body if isinstance(body, bytes) else str(body).encode(),
        Answer(
            status,
            reason_of(status, value.get("reason")),
            _headers(value.get("headers")),
            content if isinstance(content, bytes) else base64.b64decode(content),
        ),
        datetime.fromisoformat(created).timestamp() if isinstance(created, str) else None,
    )


def _headers(fields: Mapping[str, Any] | None) -> Headers:
    return [(str(name), str(value)) for name, value in (fields or {}).items()]
