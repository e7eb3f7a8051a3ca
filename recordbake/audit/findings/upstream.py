"""What the origin said when it was asked: entries and Hub revisions that have moved on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recordbake.audit.findings.model import (
    KINDS,
    RECORD_AGAIN,
    Finding,
    entry_evidence,
    entry_subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from recordbake.audit.revalidate import Answer
    from recordbake.audit.revisions import MovedRevision


def stale_upstream(
    entries: pd.DataFrame, answers: Mapping[tuple[str, int], Answer]
) -> Iterator[Finding]:
    """Entries whose origin has another answer now.

    Args:
        entries: the store's entries.
        answers: what the origin said, by key and take.
    """
    row: Any
    for row in entries.itertuples():
        answer = answers.get((str(row.key), int(str(row.take))))
        if answer is None or answer.state != "changed":
            continue
        evidence = entry_evidence(row) | {"status": answer.status, "why": answer.why}
        yield Finding(
            "stale-upstream", KINDS["stale-upstream"], entry_subject(row), evidence, row.tests,
            RECORD_AGAIN,
        )  # fmt: skip


def moved_revisions(moved: list[MovedRevision], entries: pd.DataFrame) -> Iterator[Finding]:
    """Branches and tags of Hub repositories that point to another commit now."""
    for item in moved:
        about = entries[entries["url"].str.contains(f"/{item.repo_id}", regex=False)]
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
