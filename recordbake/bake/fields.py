"""Fields of a JSON document, taken strictly: exactly those that are documented, of their types.

Each function returns what it is given, or raises ValueError with a sentence that names ``what``.
"""

from __future__ import annotations

import re
from typing import Any

_SHA256 = re.compile(r"[0-9a-f]{64}")


def members_of(value: Any, keys: tuple[str, ...], what: str) -> dict[str, Any]:
    """An object with exactly these keys."""
    if not isinstance(value, dict) or set(value) != set(keys):
        raise ValueError(f"{what} does not have exactly the fields {', '.join(keys)}")
    return value


def counts(value: Any, keys: tuple[str, ...], what: str) -> dict[str, int]:
    """An object of whole numbers."""
    return {key: count(number, key) for key, number in members_of(value, keys, what).items()}


def count(value: Any, what: str) -> int:
    """A whole number from 0."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{what} is not a whole number from 0")
    return value


def sha256(value: Any, what: str) -> str:
    """A sha256, hexadecimal."""
    if not _SHA256.fullmatch(text(value, what)):
        raise ValueError(f"{what} is not a digest")
    return str(value)


def text(value: Any, what: str) -> str:
    """Text."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is not text")  # noqa: TRY004 - one error for all of them
    return value
