"""Entries by their age: by days, by what their origins allow, by what the origins say now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings.model import DAY, KINDS, RECORD_AGAIN, Finding, of_entry, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from recordbake.audit.revalidate import Answer
    from recordbake.audit.revisions import MovedRevision


def stale(judged: pd.DataFrame, *, stale_after_days: float, now: float) -> Iterator[Finding]:
    """Entries older than that many days, among those whose age matters."""
    for row in judged[now - judged["recorded_at"] > stale_after_days * DAY].itertuples():
        days = round((now - float(row.recorded_at)) / DAY, 1)
        yield of_entry("stale", row, RECORD_AGAIN, age_days=days)


def stale_by_origin(
    judged: pd.DataFrame, answers: Mapping[tuple[str, int], Answer] | None, *, now: float
) -> Iterator[Finding]:
    """Entries whose own Cache-Control or Expires says that they have run out.

    An answer that its origin forbids to keep at all (``no-cache``, ``max-age=0``) says nothing of
    how long it holds and is not named; nor is one that the origin has just confirmed (RFC 9111
    section 4.3), or denied, which is a finding of its own.

    Args:
        judged: the entries whose age matters.
        answers: what the origins said; None where they were not asked.
        now: Unix seconds, UTC.
    """
    for row in judged[now - judged["recorded_at"] > judged["lifetime"]].itertuples():
        asked = "not asked"
        if answers is not None:
            answer = answers.get((str(row.key), int(str(row.take))))
            asked = "cannot be asked" if answer is None else answer.state
        if asked in ("fresh", "changed"):
            continue
        yield of_entry(
            "stale-origin", row, _ORIGIN_ACTIONS[asked],
            cache_control=text(row.cache_control), lifetime_seconds=round(float(row.lifetime)),
            age_seconds=round(now - float(row.recorded_at)), revalidation=asked,
        )  # fmt: skip


_ORIGIN_ACTIONS = {
    "not asked": "ask whether it has changed: recordbake audit --revalidate",
    "unknown": "the origin could not say whether it has changed; ask again later",
    "cannot be asked": RECORD_AGAIN,
}


def stale_upstream(
    entries: pd.DataFrame, answers: Mapping[tuple[str, int], Answer]
) -> Iterator[Finding]:
    """Entries whose origin has another answer now.

    Args:
        entries: the store's entries.
        answers: what the origin said, by key and take.
    """
    row: Any
    for row in entries[entries["key"].isin({key for key, _ in answers})].itertuples():
        answer = answers.get((str(row.key), int(str(row.take))))
        if answer is not None and answer.state == "changed":
            yield of_entry(
                "stale-upstream", row, RECORD_AGAIN, status=answer.status, why=answer.why
            )


def moved_revisions(moved: list[MovedRevision], entries: pd.DataFrame) -> Iterator[Finding]:
    """Branches and tags of Hub repositories that point to another commit now."""
    for item in moved:
        about = entries[entries["url"].str.contains(_of_repository(item), regex=True)]
        evidence = {
            "repo_type": item.repo_type,
            "repo_id": item.repo_id,
            "revision": item.revision,
            "recorded_commit": item.recorded,
            "commit": item.now,
            "keys": sorted(set(about["key"])),
        }
        tests = tuple(sorted({test for tests in about["tests"] for test in tests}))
        subject = f"{item.repo_type} {item.repo_id} at {item.revision}"
        yield Finding(
            "stale-upstream", KINDS["stale-upstream"], subject, evidence, tests, RECORD_AGAIN
        )


def _of_repository(item: MovedRevision) -> str:
    """What the path of a repository's URLs looks like, of its API and of its files."""
    of_kind = "" if item.repo_type == "model" else f"{item.repo_type}s/"
    api = f"api/(?:resolve-cache/)?{item.repo_type}s/"
    return rf"^https?://[^/?#]+/(?:{api}|{of_kind}){re.escape(item.repo_id)}(?:[/?]|$)"
