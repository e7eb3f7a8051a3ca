"""Asks the origins whether entries still hold: conditional requests, one after the other.

RFC 9110, section 13: ``If-None-Match`` with the recorded ETag, else ``If-Modified-Since`` with the
recorded Last-Modified; 304 says that the entry holds. No body is read. What was asked is noted in a
file as it is answered, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from recordbake.audit.findings.model import text
from recordbake.audit.notes import Notes, Pace
from recordbake.guest.redaction import PLACEHOLDER
from recordbake.progress import ENTRIES, progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

_OK, _NOT_MODIFIED, _TOO_MANY = 200, 304, 429
_GONE = frozenset({404, 410})
_TIMEOUT = (10, 30)  # seconds to connect, seconds between bytes
_LONGEST_WAIT = 60.0  # seconds that a Retry-After is honoured for


@dataclass(frozen=True)
class Question:
    """An entry that can be asked about; ``recorded_at`` in Unix seconds (UTC)."""

    key: str
    take: int
    url: str
    host: str
    etag: str
    last_modified: str
    recorded_at: float


@dataclass(frozen=True)
class Answer:
    """What an origin said; ``at`` in Unix seconds (UTC), ``state`` as below.

    ``fresh`` (not modified), ``changed``, or ``unknown`` (refused, failed, or no way to tell).
    """

    key: str
    take: int
    recorded_at: float
    at: float
    state: str
    status: int | None = None
    why: str = ""


def questions(entries: pd.DataFrame) -> list[Question]:
    """The entries that can be asked about: GET, 200, a validator, no secret in the URL."""
    chosen = entries[(entries["method"] == "GET") & (entries["status"] == _OK)]
    found = []
    row: Any
    for row in chosen.itertuples():
        etag, modified = text(row.etag), text(row.last_modified)
        if (etag or modified) and PLACEHOLDER not in row.url and row.recorded_at == row.recorded_at:
            found.append(
                Question(row.key, int(row.take), row.url, row.host, etag, modified,
                         float(row.recorded_at))
            )  # fmt: skip
    return found


def revalidate(
    asked: list[Question],
    notes: Path,
    *,
    per_second: float = 5.0,
    keep_for: float = 86400.0,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[tuple[str, int], Answer]:
    """Ask the origins, with progress on stderr.

    Args:
        asked: from :func:`questions`.
        notes: the file of answers; those younger than ``keep_for`` seconds are not asked again.
        per_second: requests per second to one host, at most.
        keep_for: seconds that a noted answer counts.
        sleep: waits that many seconds.

    Returns:
        Answers by key and take.

    Raises:
        OSError: the notes cannot be written.
    """
    answers: dict[tuple[str, int], Answer] = {}
    rest, pace = [], Pace(per_second, sleep)
    with Notes(notes, Answer, keep_for) as noted, requests.Session() as session:
        known = {(a.key, a.take, a.recorded_at): a for a in noted.known if a.state != "unknown"}
        for question in asked:
            name = (question.key, question.take)
            if answer := known.get((*name, question.recorded_at)):
                answers[name] = answer
            else:
                rest.append(question)
        with progress("revalidating", len(rest), ENTRIES) as advance:
            for question in rest:
                pace.wait(question.host)
                answer = _ask(session, question, sleep)
                pace.asked(question.host)
                noted.add(answer)
                answers[question.key, question.take] = answer
                advance(1)
    return answers


def _ask(
    session: requests.Session, question: Question, sleep: Callable[[float], None], tries: int = 2
) -> Answer:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if question.etag:
        headers["If-None-Match"] = question.etag
    else:
        headers["If-Modified-Since"] = question.last_modified
    try:
        with session.get(
            question.url, headers=headers, stream=True, allow_redirects=False, timeout=_TIMEOUT,
            auth=_no_credentials,
        ) as response:  # fmt: skip
            status, fields = response.status_code, response.headers
    except (requests.RequestException, ValueError) as error:
        return _answer(question, "unknown", None, type(error).__name__)
    if status == _TOO_MANY and tries > 1:
        wait = fields.get("Retry-After", "1")
        sleep(min(float(wait) if wait.isdecimal() else 1.0, _LONGEST_WAIT))
        return _ask(session, question, sleep, tries - 1)
    return _answer(question, *_state(question, status, fields))


def _state(question: Question, status: int, fields: Any) -> tuple[str, int, str]:
    if status == _NOT_MODIFIED:
        return "fresh", status, "not modified"
    if status == _OK:
        etag, modified = fields.get("ETag", ""), fields.get("Last-Modified", "")
        # Weak comparison (RFC 9110 section 8.8.3.2): a server may ignore conditions.
        if etag and etag.removeprefix("W/") == question.etag.removeprefix("W/"):
            return "fresh", status, "the same ETag"
        if not question.etag and modified == question.last_modified:
            return "fresh", status, "the same Last-Modified"
        now = etag or modified
        return "changed", status, f"{question.etag or question.last_modified} is {now} now"
    if status in _GONE:
        return "changed", status, f"HTTP {status} now"
    return "unknown", status, f"HTTP {status}"


def _answer(question: Question, state: str, status: int | None, why: str) -> Answer:
    return Answer(
        question.key, question.take, question.recorded_at, time.time(), state, status, why
    )


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Instead of what a .netrc holds."""
    return request
