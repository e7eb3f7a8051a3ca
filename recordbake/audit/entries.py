"""The entries of stores as one table."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd

from recordbake.audit.answers import Facts, read_answers
from recordbake.audit.columns import LAST_SECOND
from recordbake.errors import RECORD_AGAIN, DamagedError
from recordbake.store import ENTRY_COLUMNS, check_format, connect_readonly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COLUMNS = (*ENTRY_COLUMNS, "identity")
_INTEGERS = ("take", "status", "body_size")
_FLOATS = ("recorded_at", "live_ms")
_TEXTS = ("key", "method", "url", "host", "body_sha256", "identity")
#: Key and take.
Name = tuple[str, int]


def load_entries(store: Path) -> pd.DataFrame:
    """The table ``entries``, with the tests that use each take; empty if there is no store.

    Raises:
        DamagedError: the store is damaged or of another format.
    """
    if not store.is_file():
        return _typed(_frame([]), {}, {})
    with closing(connect_readonly(store)) as connection:
        connection.row_factory = None
        try:
            check_format(connection, store)
            frame = _frame(_rows(connection))
            connection.text_factory = _lenient
            tests: dict[Name, set[str]] = defaultdict(set)
            for key, take, test in connection.execute("SELECT key, take, test FROM uses"):
                tests[str(key), take].update([str(test)] if test else [])
            answers = read_answers(store)
        except (sqlite3.Error, ValueError) as error:
            raise DamagedError(
                f"the store is damaged: {error}",
                where=store,
                next_step=RECORD_AGAIN,
            ) from error
    return _typed(frame, tests, answers)


def _rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """The rows of the table; text that is not UTF-8 as far as it is."""
    query = (
        f"SELECT {', '.join(_COLUMNS)} FROM entries"  # noqa: S608  (our own names)
        " LEFT JOIN identities USING (key, take) ORDER BY key, take"
    )
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError:  # SQLite takes any bytes for text
        connection.text_factory = _lenient
        return connection.execute(query).fetchall()


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(_COLUMNS)
    named = dict(zip(_COLUMNS, map(list, columns), strict=True))
    frame: pd.DataFrame = pd.DataFrame(named, dtype=object)
    return frame


def _typed(
    frame: pd.DataFrame, tests: dict[Name, set[str]], answers: dict[Name, Facts]
) -> pd.DataFrame:
    for name in _INTEGERS:
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        numbers = numbers.where(numbers.between(0, 2**53), -1 if name == "status" else 0)
        frame[name] = numbers.astype("int64")
    for name in _FLOATS:
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        frame[name] = numbers.where(numbers.between(0, LAST_SECOND))
    for name in _TEXTS:
        texts = [value if type(value) is str else str(value or "") for value in frame[name]]
        frame[name] = pd.Series(texts, index=frame.index, dtype=object)
    named = list(zip(frame["key"], frame["take"], strict=True))
    by_row = [tuple(sorted(tests.get(name, ()))) for name in named]
    frame["tests"] = pd.Series(by_row, index=frame.index, dtype=object)
    nothing = Facts()
    facts = [answers.get(name, nothing) for name in named]
    frame["lifetime"] = pd.Series([f.lifetime for f in facts], index=frame.index, dtype=float)
    for column in ("looks", "shape", "fields"):
        values = [getattr(f, column) for f in facts]
        frame[column] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def united(stores: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, list[dict[Name, int]]]:
    """Several stores as one table, and for each store which of its takes have another number in it.

    As in :mod:`recordbake.uniting`, equal answers to a request are one take, kept as it was
    recorded first; others get a number that is free.

    Args:
        stores: from :func:`load_entries`.
    """
    first, renamed = stores[0], [dict[Name, int]() for _ in stores]
    if all(store.empty or _same(store, first) for store in stores[1:]):
        return first, renamed
    rows: dict[Name, dict[str, Any]] = {}
    known: dict[tuple[str, str], Name] = {}
    most: dict[str, int] = {}
    for store, changed in zip(stores, renamed, strict=True):
        for record in store.to_dict("records"):
            row: dict[str, Any] = {str(column): value for column, value in record.items()}
            own = (row["key"], row["take"])
            answer = (row["key"], row["identity"] or f"{row['status']} {row['body_sha256']}")
            name = known.get(answer)
            if name is None:
                name = own if own not in rows else (row["key"], most[row["key"]] + 1)
                rows[name] = row | {"take": name[1]}
                known[answer] = name
                most[row["key"]] = max(name[1], most.get(row["key"], 0))
            else:
                rows[name] = _merged(rows[name], row)
            if name != own:
                changed[own] = name[1]
    frame = pd.DataFrame([rows[name] for name in sorted(rows)], columns=first.columns)
    return frame.astype(first.dtypes.to_dict()), renamed


def _same(store: pd.DataFrame, other: pd.DataFrame) -> bool:
    return bool(store.equals(other))


def _merged(row: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    early = other if other["recorded_at"] < row["recorded_at"] else row
    tests = tuple(sorted({*row["tests"], *other["tests"]}))
    secrets = tuple(sorted({*row.get("secrets", ()), *other.get("secrets", ())}))
    return early | {"take": row["take"], "tests": tests, "secrets": secrets}
