"""What earlier audits counted, kept beside their reports: what changes are told against.

``history.ndjson`` has a line an audit; a later audit of the same runs replaces its line.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "history.ndjson"
_MOST = 200  # audits that are kept


@dataclass(frozen=True)
class Audited:
    """What an audit counted; ``at`` in UTC (ISO 8601), sizes in bytes.

    ``runs`` are those that it judged; ``requests``, ``hits`` and ``live_misses`` are None where
    there was no replay.
    """

    at: str
    runs: tuple[str, ...]
    requests: int | None
    hits: int | None
    live_misses: int | None
    entries: int
    http_bytes: int
    hub_bytes: int
    cache_bytes: int
    stale: int
    unused: int


_TEXTS = {"at": str, "runs": list}


def read(path: Path) -> list[Audited]:
    """The audits that are noted, oldest first; lines that cannot be read are left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [audited for line in lines if (audited := _parsed(line)) is not None]


def _parsed(line: str) -> Audited | None:
    try:
        document = json.loads(line)
        values = {field.name: document[field.name] for field in fields(Audited)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(values["at"], str) and isinstance(values["runs"], list)):
        return None
    numbers = [value for name, value in values.items() if name not in _TEXTS]
    if not all(value is None or type(value) is int for value in numbers):
        return None
    return Audited(**values | {"runs": tuple(map(str, values["runs"]))})


def before(past: Sequence[Audited], runs: Sequence[str]) -> list[Audited]:
    """The audits of other runs than these."""
    return [audited for audited in past if audited.runs != tuple(runs)]


def to_text(audits: Sequence[Audited]) -> str:
    """The latest audits as the file's text."""
    return "".join(json.dumps(asdict(audited)) + "\n" for audited in audits[-_MOST:])
