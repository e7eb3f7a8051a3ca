"""Findings to one decision with a command; nothing is read or written here."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.from_audit import ALL, KEEP, SOME

if TYPE_CHECKING:
    from recordbake.audit.findings import Finding

#: Findings whose entries `recordbake record --from-audit` fetches again.
REFETCHED = ("stale", "stale-upstream", "suspicious-200", "error-kept")
#: Findings that `recordbake record --missing` mends.
_MISSING = ("live-miss", "incomplete", "damaged-entry")

#: What to call findings of each kind, one and many.
NOUNS = {
    "live-miss": ("missing request", "missing requests"),
    "incomplete": ("request without a good answer", "requests without a good answer"),
    "damaged-entry": ("unreadable entry", "unreadable entries"),
    "leak": ("leaked connection", "leaked connections"),
    "uncovered": ("unhooked process", "unhooked processes"),
    "stale": ("stale entry", "stale entries"),
    "stale-upstream": ("entry changed upstream", "entries changed upstream"),
    "suspicious-200": ("suspicious answer", "suspicious answers"),
    "error-kept": ("error answer kept", "error answers kept"),
    "stale-origin": ("entry past its Cache-Control", "entries past their Cache-Control"),
    "volatile": ("volatile answer", "volatile answers"),
    "oversized": ("oversized entry", "oversized entries"),
    "duplicate-body": ("duplicate body", "duplicate bodies"),
    "growth": ("growth since the bake", "growths since the bake"),
    "unused": ("unused entry", "unused entries"),
    "damaged-journal": ("damaged journal", "damaged journals"),
}


@dataclass(frozen=True)
class Facts:
    """What a verdict needs beside the findings.

    Args:
        entries: entries (takes) in the store.
        entry_bytes: their bodies' size in bytes.
        typical_bytes: the median size of a body in bytes.
        judged: entries whose age counts: those the latest replay used, all if there was none.
        replayed: whether there was a replay.
        command: the user's command; empty if no run tells it.
        options: further options of recordbake that the command line needs, such as the
            recording's directory.
        audit: where ``audit.json`` is written; empty if it is not.
    """

    entries: int
    entry_bytes: int
    typical_bytes: int
    judged: int
    replayed: bool
    command: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    audit: str = ""


@dataclass(frozen=True)
class Verdict:
    """The audit's decision.

    Args:
        decision: ``keep``, ``re-record these`` or ``re-record all``.
        sentence: the decision for people.
        reasons: why, a sentence each; also what recording again does not mend.
        requests: estimated requests that the command makes; 0 for ``keep``.
        bytes: estimated bytes that they fetch.
        command: the command to run, quoted for a shell.
        refetch: keys of the entries that it fetches although the store has them, sorted.
        tests: the tests that ask for what it fetches, sorted; empty if all have to run.
    """

    decision: str
    sentence: str
    reasons: tuple[str, ...]
    requests: int
    bytes: int
    command: str
    refetch: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


def count(n: int, nouns: tuple[str, str]) -> str:
    """A number with its noun."""
    return f"{n:,} {nouns[n != 1]}"


def judge(findings: list[Finding], facts: Facts) -> Verdict:
    """Decide what to do with a recording."""
    by_kind = Counter(finding.kind for finding in findings)
    reasons = tuple(count(by_kind[kind], nouns) for kind, nouns in NOUNS.items() if by_kind[kind])
    # One request may be missing for two reasons; it is recorded once.
    missing = list({f.subject: f for f in findings if f.kind in _MISSING}.values())
    again = [f for f in findings if is_refetched(f)]
    old = [f for f in again if f.kind.startswith("stale")]
    stale = len({key for f in old for key in keys_of(f) or [f.subject]})
    if not facts.entries:
        return _all("Record: the store is empty.", ("the store has no entries", *reasons), facts)
    if 2 * stale > facts.judged:
        share = f"{stale:,} of {facts.judged:,} entries are stale"
        return _all(f"Record everything again: {share}.", reasons, facts)
    if again or missing:
        return _some(missing, again, reasons, facts)
    return _keep(by_kind, reasons, facts)


def is_refetched(finding: Finding) -> bool:
    """Whether recording its entries again may mend it: of errors, those that used to be none."""
    if finding.kind == "error-kept":
        return finding.evidence["used_to_be"] is not None
    return finding.kind in REFETCHED


def keys_of(finding: Finding) -> list[str]:
    """Keys of the entries or requests that a finding is about."""
    one = finding.evidence.get("key")
    return list(finding.evidence.get("keys") or ([one] if one else []))


def _some(
    missing: list[Finding], again: list[Finding], reasons: tuple[str, ...], facts: Facts
) -> Verdict:
    by_kind = Counter(finding.kind for finding in (*missing, *again))
    what = _listing(by_kind, (*_MISSING, *REFETCHED))
    sizes = {(key, f.evidence.get("take")): f.evidence.get("bytes") or 0
             for f in again for key in keys_of(f)}  # fmt: skip
    requests, size = len(sizes), sum(sizes.values())
    words: tuple[str, ...] = ("record", "--from-audit", facts.audit)
    if not facts.audit:  # without the file, only a whole run refreshes an entry
        words = ("record",) if again else ("record", "--missing")
        requests, size = (facts.entries, facts.entry_bytes) if again else (0, 0)
    return Verdict(
        SOME,
        f"{'Record again' if again else 'Record what is missing'}: {what}.",
        reasons,
        requests + len(missing),
        size + _missing_bytes(missing, facts),
        _command(words, facts),
        tuple(sorted({key for f in again for key in keys_of(f)})),
        _tests((*missing, *again)),
    )


def _tests(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """The tests concerned; none if a request is concerned of which no test is known."""
    if any(not f.tests or "" in f.evidence.get("by_test", ()) for f in findings):
        return ()
    return tuple(sorted({test for f in findings for test in f.tests}))


def _keep(by_kind: Counter[str], reasons: tuple[str, ...], facts: Facts) -> Verdict:
    unmended = _listing(by_kind, ("leak", "uncovered"))
    if unmended:
        sentence = f"Keep this recording, but look at what recording does not mend: {unmended}."
    elif not facts.replayed:
        sentence = "Keep this recording; no replay has tried it yet."
    else:
        sentence = "Keep this recording: nothing is missing or stale."
    return Verdict(KEEP, sentence, reasons, 0, 0, _command(("replay", "--strict"), facts))


def _all(sentence: str, reasons: tuple[str, ...], facts: Facts) -> Verdict:
    command = _command(("record",), facts)
    return Verdict(ALL, sentence, reasons, facts.entries, facts.entry_bytes, command)


def _listing(by_kind: Counter[str], kinds: tuple[str, ...]) -> str:
    return ", ".join(count(by_kind[kind], NOUNS[kind]) for kind in kinds if by_kind[kind])


def _missing_bytes(missing: list[Finding], facts: Facts) -> int:
    """Known sizes where a request went live, the typical size elsewhere."""
    sizes = (finding.evidence.get("bytes") for finding in missing)
    return sum(facts.typical_bytes if size is None else size for size in sizes)


def _command(words: tuple[str, ...], facts: Facts) -> str:
    command = shlex.join(facts.command) if facts.command else "COMMAND"
    return f"{shlex.join(('recordbake', *words, *facts.options))} -- {command}"
