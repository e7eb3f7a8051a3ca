"""What an audit decided to record again, read from ``audit.json``, and handed to a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordbake.errors import UsageError
from recordbake.files import read_small

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
KEEP, SOME, ALL = "keep", "re-record these", "re-record all"
#: The file in a run's directory that its processes read.
FILE_NAME = "refetch.json"


@dataclass(frozen=True)
class Refetch:
    """What to fetch although the store has it.

    Args:
        keys: of the entries.
        tests: identifiers of the tests that ask for them and for what is missing, None for all.
        drop: key and take of the entries to drop before.
    """

    keys: tuple[str, ...]
    tests: tuple[str, ...] | None
    drop: tuple[tuple[str, int], ...] = ()

    def write(self, path: Path) -> None:
        """Write for the guest what it is to fetch."""
        path.write_text(json.dumps({"keys": self.keys, "tests": self.tests}), encoding="ascii")


def read(path: Path) -> tuple[str, Refetch]:
    """The decision of an audit, and what it names.

    Raises:
        UsageError: the file is missing, damaged or of another version.
    """
    again = "write it with: recordbake audit"
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"the audit cannot be read: {error.strerror}", where=path, next_step=again
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError("the audit is not JSON", where=path, next_step=again) from error
    version = document.get("v") if isinstance(document, dict) else None
    if version != VERSION:
        raise UsageError(
            f"the audit has version {version}, this recordbake reads version {VERSION}",
            where=path, next_step=again,
        )  # fmt: skip
    verdict = document.get("verdict")
    verdict = verdict if isinstance(verdict, dict) else {}
    keys, tests = _texts(verdict.get("refetch")), _texts(verdict.get("tests"))
    decision = verdict.get("decision")
    if keys is None or tests is None or decision not in (KEEP, SOME, ALL):
        raise UsageError("the audit does not say what to record again", where=path, next_step=again)
    return decision, Refetch(keys, tests or None, _names(verdict.get("drop")))


def keys_of(path: Path) -> frozenset[str]:
    """The keys that a run was told to fetch again; none if it was not told any."""
    try:
        return frozenset(map(str, json.loads(read_small(path))["keys"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return frozenset()


def _names(value: Any) -> tuple[tuple[str, int], ...]:
    """Pairs of key and take; what is none is left out."""
    pairs = value if isinstance(value, list) else []
    return tuple(
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and [type(part) for part in pair] == [str, int]
    )


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(value)
