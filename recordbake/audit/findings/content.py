"""Entries by what they hold: errors, answers that are not what was asked for, copies, noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recordbake.audit.findings.model import (
    KINDS,
    RECORD_AGAIN,
    Finding,
    judged_recordings,
    of_entry,
    text,
)
from recordbake.scanning import KNOWN_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

#: Smaller bodies are equal by chance: an empty list, a status word.
_LEAST_DUPLICATE = 1024  # bytes
_ERROR = 400  # first of the error statuses (RFC 9110 section 15)
#: Errors that are seldom what a test is about: denied, proxy, too many, and the server's own.
_ODD = frozenset({403, 407, 429})
_SERVER_ERROR = 500

_LOOKS = {
    "html": "it is HTML, where its URL or type promises something else",
    "empty": "it is empty, where its URL or type promises a file",
}


def secrets(entries: pd.DataFrame, accepted: frozenset[str]) -> Iterator[Finding]:
    """Secrets in entries: a bake with them is refused.

    Recording replaces the values that it knows, of variables and of the Hub's token; so it may mend
    those. Others were in the answer, and will be again.

    Args:
        entries: the store's entries.
        accepted: digests of secrets that may be shipped.
    """
    for row in entries[entries["secrets"].map(bool).astype(bool)].itertuples():
        for secret in row.secrets:
            if secret.digest in accepted:
                continue
            known = secret.what.startswith(KNOWN_VALUE)
            action = _RECORD_HIDDEN if known else _ACCEPT.format(secret.digest)
            yield of_entry(
                "secret", row, action, what=secret.what, digest=secret.digest, known=known
            )


_RECORD_HIDDEN = f"{RECORD_AGAIN}, with the variable set, so that it is replaced"
_ACCEPT = "change it at the origin; if it is none, accept it: --allow-secret {}"


def suspicious(entries: pd.DataFrame) -> Iterator[Finding]:
    """Answers 200 whose body is not what their URL or type promises."""
    for row in entries[entries["looks"] != ""].itertuples():
        yield of_entry(
            "suspicious-200", row, RECORD_AGAIN, looks=row.looks,
            content_type=text(row.content_type), why=_LOOKS[str(row.looks)],
        )  # fmt: skip


def errors_kept(
    entries: pd.DataFrame, events: pd.DataFrame, runs: pd.DataFrame
) -> Iterator[Finding]:
    """Error answers that may be no part of what a test is about.

    They are errors where an earlier recording got an answer, and those that servers give in bad
    weather. One that a second recording confirmed is meant, and what the latest recording already
    reports as incomplete is not repeated.
    """
    errors = entries[entries["status"] >= _ERROR]
    known = _recorded_statuses(events[events["key"].isin(errors["key"])], runs)
    reported = _incomplete(runs)
    for row in errors.itertuples():
        statuses = known.get(str(row.key), [])
        before = next((min(s) for s in reversed(statuses[:-1]) if min(s) < _ERROR), None)
        odd = row.status in _ODD or row.status >= _SERVER_ERROR
        confirmed = sum(row.status in s for s in statuses[-2:]) > 1
        if confirmed or not (odd or before) or (row.method, row.url) in reported:
            continue
        found = of_entry("error-kept", row, RECORD_AGAIN, status=int(row.status), used_to_be=before)
        yield replace(found, subject=f"{row.status} for {found.subject}")


def _recorded_statuses(events: pd.DataFrame, runs: pd.DataFrame) -> dict[str, list[set[int]]]:
    """By key, the statuses that each recording run kept, oldest run first."""
    order = {run: n for n, run in enumerate(runs["run"])}
    stored = events[(events["outcome"] == "stored") & (events["status"] > 0)]
    found: dict[str, dict[str, set[int]]] = {}
    distinct = stored[["key", "run", "status"]].drop_duplicates().astype(object)
    for key, run, status in distinct.itertuples(index=False):
        found.setdefault(str(key), {}).setdefault(str(run), set()).add(int(status))
    return {
        key: [by_run[run] for run in sorted(by_run, key=lambda run: order.get(run, -1))]
        for key, by_run in found.items()
    }


def _incomplete(runs: pd.DataFrame) -> set[tuple[str, str]]:
    found = runs.loc[runs["run"].isin(judged_recordings(runs)), "incomplete"]
    return {(str(i.get("method")), str(i.get("url"))) for items in found for i in items}


def volatile(entries: pd.DataFrame) -> Iterator[Finding]:
    """Takes of one request that differ in what seems to mean nothing.

    Their bodies are equal and only header fields differ, or they differ in numbers and identifiers
    alone. A replay gives them in order all the same.
    """
    several = entries[entries["shape"] != ""]
    for (key, _, _), group in several.groupby(["key", "status", "shape"]):
        if len(group) < 2:  # noqa: PLR2004
            continue
        equal = len(set(group["body_sha256"])) == 1
        fields = _differing(list(group["fields"])) if equal else []
        first: Any = next(group.itertuples())
        evidence = {
            "method": first.method,
            "url": first.url,
            "host": first.host,
            "key": str(key),
            "takes": [int(take) for take in group["take"]],
            "differs": "header fields" if equal else "numbers or identifiers in the body",
            "fields": fields,
        }
        tests = tuple(sorted({test for tests in group["tests"] for test in tests}))
        action = "nothing is wrong in a replay; if it is noise, have the test ask once"
        yield Finding(
            "volatile", KINDS["volatile"], f"{first.method} {first.url}", evidence, tests, action
        )


def _differing(fields: list[tuple[tuple[str, str], ...]]) -> list[str]:
    every = {pair for pairs in fields for pair in pairs}
    return sorted({name for name, value in every if any((name, value) not in p for p in fields)})


def duplicates(entries: pd.DataFrame) -> Iterator[Finding]:
    """Bodies that were fetched under more than one URL."""
    large = entries[entries["body_size"] >= _LEAST_DUPLICATE]
    for sha256, group in large.groupby("body_sha256"):
        urls = sorted(set(group["url"]))
        if len(urls) < 2:  # noqa: PLR2004
            continue
        size = int(group["body_size"].iloc[0])
        evidence = {
            "sha256": str(sha256),
            "bytes": size,
            "urls": urls,
            "count": len(urls),
            "wasted_bytes": size * (len(urls) - 1),
        }
        tests = tuple(sorted({test for tests in group["tests"] for test in tests}))
        action = "let the tests fetch it under one URL"
        yield Finding(
            "duplicate-body", KINDS["duplicate-body"], f"{urls[0]} and {len(urls) - 1} more",
            evidence, tests, action,
        )  # fmt: skip
