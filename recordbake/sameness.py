"""Which answers are the same, so that a suite could not tell them apart by meaning."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING

from recordbake.guest.codings import readable
from recordbake.guest.exchange import OWN

if TYPE_CHECKING:
    from recordbake.guest.exchange import Captured, Failure

#: Response headers that differ between any two answers and mean nothing to a caller.
_NOISE = frozenset(
    {
        "date", "age", "cf-ray", "x-request-id", "x-amzn-requestid", "x-amzn-trace-id",
        "x-amz-request-id", "x-amz-id-2", "x-amz-cf-id", "x-ms-request-id", "x-served-by",
        "x-timer", "x-runtime", "server-timing", "ratelimit", "ratelimit-policy",
    }
)  # fmt: skip
#: Headers that may differ between two runs without the answer being another one.
_VOLATILE = _NOISE | {
    "expires", "via", "connection", "keep-alive", "nel", "report-to", "alt-svc", "cf-cache-status",
    "x-cache", "x-cache-hits", "x-cache-lookup", "retry-after", "set-cookie",
}  # fmt: skip
_VOLATILE_PREFIXES = ("x-ratelimit-", "cf-", "x-amz-cf-", "x-goog-hash", "x-goog-generation")


def _failure(failure: Failure) -> tuple[str, ...]:
    """What two failures have in common that are the same."""
    found = (failure.kind, failure.phase, failure.client)
    # One follows from what the client was given, such as a timeout, of which the key tells nothing.
    return (*found, failure.message) if failure.kind == OWN else found


def answer_identity(captured: Captured, *, exact: bool = False) -> str:
    """A digest that is equal for two answers a suite could not tell apart by meaning.

    Args:
        captured: the answer.
        exact: compare what may differ between runs, too.
    """

    def counts(name: str) -> bool:
        if exact:
            return name not in _NOISE
        return name not in _VOLATILE and not name.startswith(_VOLATILE_PREFIXES)

    head, failure = captured.head, captured.failure
    headers = [(name.lower(), value) for name, value in head.headers] if head else []
    parts: tuple[object, ...] = (
        None if head is None else (head.status, head.reason, head.version),
        sorted(pair for pair in headers if counts(pair[0])),
        captured.body_sha256,
        None if failure is None else _failure(failure),
        captured.vary,
    )
    if head is not None and not readable(head.headers, captured.request.headers, []):
        parts += ("not asked for",)  # only who asked in the same way is given such a coding
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def identities(group: list[Captured], loose: list[str]) -> list[str]:
    """What identifies each of one test's answers to one request.

    Between runs two answers are equal if they mean the same. Within one test they are takes of
    their own as soon as anything differs that a test may look at: a cookie, a cache's header.

    Args:
        group: the answers.
        loose: :func:`answer_identity` of each.
    """
    if len(group) == 1:  # as mostly
        return loose
    exact: dict[str, set[str]] = defaultdict(set)
    pairs = [(i, answer_identity(c, exact=True)) for i, c in zip(loose, group, strict=True)]
    for identity, strict in pairs:
        exact[identity].add(strict)
    return [identity if len(exact[identity]) == 1 else strict for identity, strict in pairs]
