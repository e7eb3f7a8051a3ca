"""Which fields of events findings are made of, and how they are held: each distinct text once."""

from __future__ import annotations

from array import array
from typing import Any, Final

import numpy as np
import pandas as pd

#: Events that findings are made of; the others are read over.
KEPT = frozenset({"request", "test", "gap", "leak", "damage"})
#: Columns of repeated text: categories, missing where the event does not have the field.
TEXT_COLUMNS: Final = (
    "run", "event", "test", "outcome", "reason", "method", "url", "host", "client", "key",
    "message", "what", "python", "executable",
)  # fmt: skip
#: Whole numbers; -1 where the event does not have the field.
INTEGER_COLUMNS: Final = ("take", "status", "bytes", "port")
#: Flags; missing counts as false.
FLAG_COLUMNS: Final = ("from_cache", "blocked")
#: Fields that go together: of a million events few thousand have others than one before.
GROUPED_TEXT: Final = tuple(name for name in TEXT_COLUMNS if name not in ("run", "test"))

#: The end of the year 9999 in Unix seconds: the last time that a date can show.
LAST_SECOND = 253402300799.0


def clean(text: Any) -> str:
    """A field as text that every encoder accepts: lone surrogates are written out."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def is_time(value: Any) -> bool:
    """Whether a JSON value is a time: Unix seconds that a date can show."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value <= LAST_SECOND  # false for NaN
    )


class Texts:
    """A column of text as codes into the list of its distinct values."""

    def __init__(self) -> None:
        self.codes = array("i")
        self.known: dict[str, int] = {}

    def append(self, value: str | None) -> None:
        """Add a value; None is missing."""
        self.codes.append(self._code(value))

    def repeat(self, value: str | None, count: int) -> None:
        """Add a value so many times."""
        self.codes.extend(array("i", [self._code(value)]) * count)

    def _code(self, value: str | None) -> int:
        return -1 if value is None else self.known.setdefault(value, len(self.known))

    def column(self, rows: np.ndarray[Any, Any] | None = None) -> pd.Categorical:
        """The column, or what it has at these rows."""
        categories = pd.Index(list(self.known), dtype=object)
        kind = np.result_type(np.int8, np.min_scalar_type(-len(categories) - 1))
        codes = np.array(self.codes, dtype=np.int32).astype(kind)  # as pandas would make them
        return pd.Categorical.from_codes(codes if rows is None else codes[rows], categories)
