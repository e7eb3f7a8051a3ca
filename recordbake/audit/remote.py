"""Journals that stay where they are: found through fsspec, counted by DuckDB.

DuckDB reads many files at once and in parallel, through fsspec's file systems, and hands on one row
for what is equal; lines that are not as guests write them go the long way of
:func:`recordbake.audit.lines.parse`. So the same findings are made of the same events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recordbake.audit.columns import (
    FLAG_COLUMNS,
    GROUPED_TEXT,
    INTEGER_COLUMNS,
    KEPT,
    LAST_SECOND,
)
from recordbake.audit.lines import JOURNAL_VERSION, LONGEST_LINE, parse
from recordbake.errors import UsageError
from recordbake.packages import needed
from recordbake.recording import RUN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from recordbake.audit.events import EventTable

    #: Journals' URLs, and which of them are judged.
    Share = tuple[list[str], list[str]]
    #: Calls a function with each share, wherever that is, and gives what it returns: the ``map`` of
    #: an executor (PEP 3148), of processes of this machine or of a cluster.
    Spread = Callable[[Callable[[Share], list[tuple[Any, ...]]], list[Share]], Iterable[Any]]

_TEXTS = (*GROUPED_TEXT, "test")
#: Requests of which only the number counts, and which tests made them.
_COUNTED = ("hit", "stored", "bypass", "failed")
#: Into how many parts journals are divided where others count them.
_SHARES = 64


@dataclass(frozen=True)
class RemoteRun:
    """A run whose journal is not fetched.

    Args:
        id: its identifier, the name of its directory.
        url: its journal.
        source: what its directory of runs belongs to; shards differ in it.
        info: the bytes of its ``run.json``; None if there is none.
    """

    id: str
    url: str
    source: str
    info: bytes | None


def find_runs(pattern: str) -> list[RemoteRun]:
    """The runs whose journals a pattern names, oldest first.

    Args:
        pattern: a path or URL with ``*``, such as ``s3://bucket/*/runs/*/http_log.ndjson``.

    Raises:
        UsageError: it cannot be read, or names nothing.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(pattern)
        paths = sorted(str(found) for found in system.glob(path))
        runs = [_run(system, found) for found in paths]
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(
            f"the journals cannot be read: {getattr(error, 'strerror', None) or error}",
            where=pattern,
            next_step="check the URL, and install what fsspec needs for its scheme",
        ) from error
    if not runs:
        raise UsageError(
            "there are no journals", where=pattern, next_step="end it in runs/*/http_log.ndjson"
        )
    return sorted(runs, key=lambda run: run.id)


def _run(system: Any, journal: str) -> RemoteRun:
    directory = journal.rpartition("/")[0]
    source, _, name = directory.rpartition("/")
    try:
        info = bytes(system.cat_file(f"{directory}/{RUN_NAME}"))
    except FileNotFoundError:
        info = None
    return RemoteRun(name, str(system.unstrip_protocol(journal)), source, info)


def count(
    table: EventTable, runs: Mapping[str, RemoteRun], judged: set[str], spread: Spread | None = None
) -> dict[str, int]:
    """Add the events of journals to a table.

    Args:
        table: where to.
        runs: by identifier.
        judged: of which of them each event that is no answered request is kept.
        spread: has shares of the journals counted by others; here, as one, when None.

    Returns:
        How many lines of each run's journal are damaged.

    Raises:
        UsageError: DuckDB is not installed, or cannot read a journal.
        DamagedError: a journal was written by a newer format.
    """
    damaged = dict.fromkeys(runs, 0)
    names = {_plain(run.url): name for name, run in runs.items()}
    kept = [url for url, name in names.items() if name in judged]
    urls = [run.url for run in runs.values()]
    shares = [urls] if spread is None else [urls[n::_SHARES] for n in range(_SHARES)]
    work = [(share, kept) for share in shares if share]
    for rows in map(_rows, work) if spread is None else spread(counted, work):
        for url, number, ts, is_counted, odd, *values in rows:
            event = parse(odd.encode(), url) if odd else dict(zip(_FIELDS, values, strict=True))
            if event is None:
                damaged[names[url]] += number
            elif event["event"] in KEPT:
                event |= {} if odd else {"ts": math.nan if ts is None else ts}
                _add(table, names[url], event, number, counted=is_counted)
    return damaged


def counted(work: Share) -> list[tuple[Any, ...]]:
    """The rows that stand for the events of a share of the journals, for another process.

    Args:
        work: the journals' URLs, and which of them are judged, as they are called in rows.

    Raises:
        UsageError: DuckDB is not installed, or cannot read a journal.
    """
    return list(_rows(work))


def _rows(work: Share) -> Iterator[tuple[Any, ...]]:
    urls, judged = work
    duckdb = _duckdb()
    import fsspec

    with duckdb.connect() as database:
        for protocol in {url.partition("://")[0] for url in urls} - {"file"}:
            database.register_filesystem(fsspec.filesystem(protocol))
        try:
            files = [url.removeprefix("file://") for url in urls]
            yield from _batches(database.execute(_QUERY, {"files": files, "judged": judged}))
        except duckdb.Error as error:
            raise UsageError(
                f"DuckDB cannot read the journals: {error}",
                where="--journals",
                next_step="see that they can be read from here, or fetch them and leave it out",
            ) from error


def _batches(rows: Any) -> Iterator[Any]:
    while batch := rows.fetchmany(10_000):
        yield from batch


def _add(table: EventTable, run: str, event: dict[str, Any], number: int, *, counted: bool) -> None:
    if counted:
        table.add_counted(run, event, number)
        return
    for _ in range(number):
        table.append(run, event)


def _duckdb() -> Any:
    return needed("duckdb", "--journals", where="--journals", extra="duckdb")


def _plain(url: str) -> str:
    """A URL without the slashes that file systems write differently."""
    protocol, found, path = url.removeprefix("file://").rpartition("://")
    return f"{protocol}{found}{path.lstrip('/')}"


_FIELDS = (*_TEXTS, *INTEGER_COLUMNS, *FLAG_COLUMNS)


def _are(names: tuple[str, ...], types: str) -> list[str]:
    """Conditions that fields have one of these types of JSON's, or are not there."""
    return [f"coalesce(json_type(j, '$.{name}'), 'NULL') IN ('NULL', {types})" for name in names]


_IS_PLAIN = " AND ".join([
    "json_type(j) = 'OBJECT'", "json_type(j, '$.event') = 'VARCHAR'",
    "json_type(j, '$.ts') IN ('DOUBLE', 'UBIGINT')",
    f"TRY_CAST((j->>'$.ts') AS DOUBLE) BETWEEN 0 AND {LAST_SECOND}",
    f"coalesce((j->>'$.v'), '{JOURNAL_VERSION}') = '{JOURNAL_VERSION}'",
    *_are(_TEXTS, "'VARCHAR'"), *_are(INTEGER_COLUMNS, "'UBIGINT', 'BIGINT'"),
    *_are(FLAG_COLUMNS, "'BOOLEAN'"),
])  # fmt: skip
_VALUES = ", ".join([
    *(f"CASE WHEN plain THEN (j->>'$.{name}') END AS {name}_" for name in GROUPED_TEXT),
    "CASE WHEN plain AND judged THEN (j->>'$.test') END AS test_",
    *(f"CASE WHEN plain THEN TRY_CAST((j->>'$.{name}') AS BIGINT) END AS {name}_"
      for name in INTEGER_COLUMNS),
    *(f"CASE WHEN plain THEN (j->>'$.{name}') = 'true' END AS {name}_" for name in FLAG_COLUMNS),
])  # fmt: skip
_NAMES = ", ".join(f"{name}_" for name in _FIELDS)
_ANSWERED = f"(j->>'$.event') = 'request' AND (j->>'$.outcome') IN {_COUNTED}"
#: Lines are read as they stand: nothing in them is a delimiter or a quote here.
_QUERY = f"""
WITH lines AS (
    SELECT regexp_replace(filename, '^([a-z0-9]+://|)/*', '\\1') AS url, line,
        CASE WHEN json_valid(line) THEN line::JSON END AS j
    FROM read_csv($files, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '',
        escape = '', header = false, auto_detect = false, filename = true, strict_mode = false,
        null_padding = true, max_line_size = {64 * LONGEST_LINE})
    WHERE trim(line) <> ''
), marked AS (
    SELECT *, coalesce({_IS_PLAIN}, false) AS plain, list_contains($judged, url) AS judged
    FROM lines
), events AS (
    SELECT url, plain AND (NOT judged OR coalesce({_ANSWERED}, false)) AS counted, judged,
        CASE WHEN NOT plain THEN line END AS odd, TRY_CAST((j->>'$.ts') AS DOUBLE) AS ts, {_VALUES}
    FROM marked WHERE NOT plain OR (j->>'$.event') IN {tuple(sorted(KEPT))}
)
SELECT url, count(*), min(ts), counted, odd, {_NAMES}
FROM events GROUP BY url, judged, counted, odd, CASE WHEN NOT counted THEN ts END, {_NAMES}
"""  # noqa: S608  (made of our own names alone)
