"""Findings to one decision with its commands; nothing is read or written here."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recordbake.audit.words import listing
from recordbake.from_audit import ALL, KEEP, SOME

if TYPE_CHECKING:
    from recordbake.audit.findings import Finding

#: Findings that `recordbake record --missing` mends.
_MISSING = ("live-miss", "incomplete", "damaged-entry")
#: Findings whose entries are old; where most are, everything is recorded again.
_OLD = ("stale", "stale-upstream")
#: Findings that ask for work on the suite or its configuration where recording does not mend them.
_BY_HAND = ("leak", "uncovered", "secret")


@dataclass(frozen=True)
class Facts:
    """What a verdict needs beside the findings.

    Args:
        entries: entries (takes) in the store.
        entry_bytes: their bodies' size in bytes.
        typical_bytes: the median size of a body in bytes.
        judged: entries whose age counts: those the judged replays used, all if there was none.
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
        reasons: why, a phrase for each kind of finding.
        by_hand: those of them that ask for work and that recording does not mend.
        requests: estimated requests that the command makes; 0 for ``keep``.
        bytes: estimated bytes that they fetch.
        command: the command to run, quoted for a shell.
        then: the commands to run after it: the replay that shows whether it helped, a new bake.
        refetch: keys of the entries that it fetches although the store has them, sorted.
        drop: key and take of the unused entries that it drops, sorted.
        tests: the tests that ask for what it fetches, sorted; empty if all have to run.
    """

    decision: str
    sentence: str
    reasons: tuple[str, ...]
    requests: int
    bytes: int
    command: str
    by_hand: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    refetch: tuple[str, ...] = ()
    drop: tuple[tuple[str, int], ...] = ()
    tests: tuple[str, ...] = ()


def judge(findings: list[Finding], facts: Facts) -> Verdict:
    """Decide what to do with a recording."""
    by_kind = Counter(finding.kind for finding in findings)
    verdict = _decide(findings, by_kind, facts)
    then = [] if verdict.decision == KEEP else [_command(("replay", "--strict"), facts)]
    if by_kind["growth"]:
        then.append(_recordbake(("bake",), facts))
    drop = _dropped(findings)
    if verdict.decision == ALL and drop and facts.audit:
        words = ("record", "--from-audit", facts.audit)
        verdict = replace(verdict, command=_command(words, facts))
    return replace(verdict, by_hand=_by_hand(findings), then=tuple(then), drop=drop)


def _decide(findings: list[Finding], by_kind: Counter[str], facts: Facts) -> Verdict:
    reasons = listing(by_kind)
    # One request may be missing for two reasons; it is recorded once.
    missing = list({f.subject: f for f in findings if f.kind in _MISSING}.values())
    again = [f for f in findings if is_refetched(f)]
    stale = len({key for f in again if f.kind in _OLD for key in keys_of(f) or [f.subject]})
    if not facts.entries:
        return _all("Record: the store is empty.", ("the store has no entries", *reasons), facts)
    if 2 * stale > facts.judged:
        share = f"{stale:,} of {facts.judged:,} entries are stale"
        return _all(f"Record everything again: {share}.", reasons, facts)
    if again or missing:
        return _some(missing, again, reasons, facts)
    return _keep(findings, reasons, facts)


def is_refetched(finding: Finding) -> bool:
    """Whether recording its entries again may mend it.

    An error is recorded again once: a recording that has it again has confirmed it. A secret goes
    where recording knows its value. What is past its own Cache-Control is left to revalidation;
    where that was tried and the origin gives nothing to ask by, it is fetched.
    """
    if finding.kind == "secret":
        return bool(finding.evidence["known"])
    if finding.kind == "stale-origin":
        return bool(finding.evidence["revalidation"] == "cannot be asked")
    return finding.kind in (*_OLD, "suspicious-200", "error-kept")


def keys_of(finding: Finding) -> list[str]:
    """Keys of the entries or requests that a finding is about."""
    one = finding.evidence.get("key")
    return list(finding.evidence.get("keys") or ([one] if one else []))


def _by_hand(findings: list[Finding]) -> tuple[str, ...]:
    return listing(Counter(f.kind for f in findings if not is_refetched(f)), _BY_HAND)


def _dropped(findings: list[Finding]) -> tuple[tuple[str, int], ...]:
    unused = [f.evidence for f in findings if f.kind == "unused" and f.evidence["needless"]]
    return tuple(sorted((evidence["key"], evidence["take"]) for evidence in unused))


def _some(
    missing: list[Finding], again: list[Finding], reasons: tuple[str, ...], facts: Facts
) -> Verdict:
    what = ", ".join(listing(Counter(finding.kind for finding in (*missing, *again))))
    # A damaged entry is there: a run that looks for it would stumble over it once more.
    replaced = [*again, *(f for f in missing if f.kind == "damaged-entry")]
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
        refetch=tuple(sorted({key for f in replaced for key in keys_of(f)})),
        tests=_tests((*missing, *again)),
    )


def _tests(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """The tests concerned; none if a request is concerned of which no test is known."""
    if any(not f.tests or "" in f.evidence.get("by_test", ()) for f in findings):
        return ()
    return tuple(sorted({test for f in findings for test in f.tests}))


def _keep(findings: list[Finding], reasons: tuple[str, ...], facts: Facts) -> Verdict:
    if by_hand := _by_hand(findings):
        what = ", ".join(by_hand)
        sentence = f"Keep this recording, but look at what recording does not mend: {what}."
    elif not facts.replayed:
        sentence = "Keep this recording; no replay has tried it yet."
    else:
        sentence = "Keep this recording: nothing is missing or stale."
    return Verdict(KEEP, sentence, reasons, 0, 0, _command(("replay", "--strict"), facts))


def _all(sentence: str, reasons: tuple[str, ...], facts: Facts) -> Verdict:
    command = _command(("record",), facts)
    return Verdict(ALL, sentence, reasons, facts.entries, facts.entry_bytes, command)


def _missing_bytes(missing: list[Finding], facts: Facts) -> int:
    """Known sizes where a request went live, the typical size elsewhere."""
    sizes = (finding.evidence.get("bytes") for finding in missing)
    return sum(facts.typical_bytes if size is None else size for size in sizes)


def _recordbake(words: tuple[str, ...], facts: Facts) -> str:
    return shlex.join(("recordbake", *words, *facts.options))


def _command(words: tuple[str, ...], facts: Facts) -> str:
    command = shlex.join(facts.command) if facts.command else "COMMAND"
    return f"{_recordbake(words, facts)} -- {command}"
