"""What is recorded of a URL or a test: entries, takes, headers and bodies."""

from __future__ import annotations

import difflib
import json
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.errors import RECORD_AGAIN, DamagedError, UsageError
from recordbake.guest import codec
from recordbake.guest.exchange import Failure, Headers, header
from recordbake.preview import preview
from recordbake.recording import Recording
from recordbake.store import (
    body_path,
    check_format,
    check_tables,
    connect_readonly,
    open_body,
    settle,
)
from recordbake.strangers import refuse_strangers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_PREVIEWED = 1 << 16  # bytes of a body that are read
_SELECT = """
SELECT entries.*, responses.value FROM entries
LEFT JOIN responses ON responses.key = entries.response_key
"""


@dataclass(frozen=True)
class Shown:
    """One take; times in Unix seconds (UTC), sizes in bytes.

    ``status``, ``headers`` and ``body`` are missing where the request failed before a response;
    ``failure`` then says how.
    """

    key: str
    take: int
    method: str
    url: str
    status: int | None
    reason: str
    version: str
    recorded_at: float
    client: str
    live_ms: float
    tests: list[str]
    suspect: bool
    failure: dict[str, Any] | None
    body_size: int
    body_sha256: str
    body: str
    headers: Headers = field(default_factory=list)
    request_headers: Headers = field(default_factory=list)
    request_body: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields; the time in ISO 8601 (UTC)."""
        return vars(self) | {"recorded_at": iso(self.recorded_at)}


def iso(seconds: float) -> str:
    """Unix seconds in ISO 8601 (UTC)."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def opened(path: Path) -> Iterator[Recording]:
    """A recording, an unpacked bake, or a bake, which is unpacked for the time being.

    Raises:
        DamagedError: there is none, or the bake is damaged.
    """
    recording = Recording(path)
    if not recording.manifest.is_file() or recording.http_cache.is_dir():
        refuse_strangers(recording)
        settle(recording.store)
        if recording.store.is_file():
            check_tables(recording.store)
        yield recording
        return
    from recordbake.bake import unpack

    with tempfile.TemporaryDirectory(prefix="recordbake-") as work:
        unpack(path, Path(work) / "bake")
        yield Recording(Path(work) / "bake")


def select(recording: Recording, *, url: str | None = None, test: str | None = None) -> list[Shown]:
    """The takes of a URL, of a test, or all, by URL, method, key and take.

    Args:
        recording: where to look.
        url: a whole URL; if nothing has it, a part of one.
        test: a test's name; if there is none of this name, the beginning of it.

    Raises:
        DamagedError: the store is missing or damaged.
        UsageError: nothing fits.
    """
    import sqlite3

    with closing(connect_readonly(recording.store)) as connection:
        try:
            check_format(connection, recording.store)
            tests = _tests(connection)
            rows = connection.execute(f"{_SELECT} ORDER BY url, method, entries.key, take")
            shown = [_shown(row, recording, tests) for row in rows]
        except (sqlite3.Error, *codec.DAMAGE) as error:
            raise DamagedError(
                f"the store is damaged: {error}",
                where=recording.store,
                next_step=RECORD_AGAIN,
            ) from error
    if url is not None:
        return _by_url(shown, url)
    if test is not None:
        return _by_test(shown, test)
    return shown


def _tests(connection: sqlite3.Connection) -> dict[tuple[str, int], set[str]]:
    found: dict[tuple[str, int], set[str]] = {}
    for key, take, test in connection.execute("SELECT DISTINCT key, take, test FROM uses"):
        found.setdefault((key, take), set()).update([str(test)] if test else [])
    return found


def _by_url(shown: list[Shown], url: str) -> list[Shown]:
    found = [s for s in shown if s.url == url] or [s for s in shown if url in s.url]
    if not found:
        near = difflib.get_close_matches(url, {s.url for s in shown}, 1)
        raise _nothing(f"no recorded URL is or contains {url!r}", near)
    return found


def _by_test(shown: list[Shown], test: str) -> list[Shown]:
    found = [s for s in shown if test in s.tests]
    found = found or [s for s in shown if any(name.startswith(test) for name in s.tests)]
    if not found:
        near = difflib.get_close_matches(test, {name for s in shown for name in s.tests}, 1)
        raise _nothing(f"nothing was recorded by {test!r}", near)
    return found


def _nothing(what: str, near: list[str]) -> UsageError:
    hint = f"did you mean {near[0]}?" if near else "recordbake show lists everything"
    return UsageError(what, where="recordbake show", next_step=hint)


def _shown(row: sqlite3.Row, recording: Recording, tests: dict[tuple[str, int], set[str]]) -> Shown:
    meta: dict[str, Any] = {}
    headers: Headers = []
    reason, version, body = "", "", ""
    if row["value"] is not None:
        meta, head, data = codec.decode_value(row["value"])
        headers, reason, version = head.headers, head.reason, head.version
        if data is None:
            data = _beginning(recording, meta["body"]["sha256"])
        coding = header(headers, "content-encoding") or ""
        body = preview(data, row["body_size"], header(headers, "content-type") or "", coding)
    failure = Failure.from_dict(json.loads(row["failure"])) if row["failure"] else None
    iso(row["recorded_at"])  # the time is one that can be shown
    return Shown(
        key=str(row["key"]), take=int(row["take"]), method=str(row["method"]), url=str(row["url"]),
        status=None if row["status"] is None else int(row["status"]), reason=reason,
        version=version, recorded_at=row["recorded_at"], client=str(row["client"]),
        live_ms=float(row["live_ms"]), suspect=bool(row["suspect"]),
        tests=sorted(tests.get((row["key"], row["take"]), ())),
        failure=None if failure is None else failure.as_dict(), body_size=int(row["body_size"]),
        body_sha256=str(row["body_sha256"]), body=body, headers=headers,
        request_headers=[(str(n), str(v)) for n, v in meta.get("request_headers", [])],
        request_body=meta.get("request_body"),
    )  # fmt: skip


def _beginning(recording: Recording, sha256: str) -> bytes:
    try:
        with open_body(recording.bodies, sha256) as stream:
            return stream.read(_PREVIEWED)
    except OSError as error:
        raise DamagedError(
            f"a body cannot be read: {error.strerror}",
            where=body_path(recording.bodies, sha256),
            next_step=RECORD_AGAIN,
        ) from error
