"""Which tool a file is from is told by what it holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recordbake.errors import DamagedError, UsageError
from recordbake.importing import cassettes, har, requests_cache
from recordbake.importing.exchange import fitting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from recordbake.importing.exchange import Exchange

CASSETTE = "cassette"
_PATTERNS = ("*.yaml", "*.yml", "*.json", "*.har", "*.sqlite")


@dataclass(frozen=True)
class Source:
    """What a file holds.

    Args:
        path: the file.
        kind: what it is, for people.
        exchanges: in the order they happened.
        others: how many of its entries are not HTTP, or have no answer.
    """

    path: Path
    kind: str
    exchanges: list[Exchange]
    others: int


def files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and those in the directories named that may be recordings.

    Raises:
        UsageError: there is no such file, or none in a directory.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted({p for pattern in _PATTERNS for p in path.rglob(pattern) if p.is_file()})
        if path.is_dir() and not inside:
            raise UsageError(
                "there is nothing to import", where=path,
                next_step=f"name files, or a directory with {', '.join(_PATTERNS)}",
            )  # fmt: skip
        if not path.exists():
            raise UsageError("there is no such file", where=path, next_step="check its name")
        found += inside if path.is_dir() else [path]
    return found


def read(path: Path, test_of: Callable[[Path], str | None]) -> Source:
    """Read a recording of another tool.

    Args:
        path: a cassette of vcrpy or cassetter, a HAR file, or a database of requests-cache.
        test_of: the test that a cassette belongs to.

    Raises:
        DamagedError: it is none of them, or not whole.
    """
    try:
        kind, (found, others) = _read(path)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            f"not a recording that can be imported: {type(error).__name__}: {error}",
            where=path,
            next_step="name cassettes of vcrpy or cassetter, HAR files or requests-cache databases",
        ) from error
    test = test_of(path) if kind == CASSETTE else None
    return Source(path, kind, [replace(fitting(e), test=test) for e in found], others)


def _read(path: Path) -> tuple[str, tuple[list[Exchange], int]]:
    if requests_cache.is_database(path):
        return "requests-cache", requests_cache.exchanges(path)
    data = cassettes.load(path)
    if har.is_har(data):
        return "HAR", har.exchanges(data)
    if cassettes.is_cassette(data):
        return CASSETTE, cassettes.exchanges(data)
    raise ValueError("it has no interactions, and is no HAR file")
