"""Verdicts: from findings to one decision, and the exact command."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from recordbake.audit.findings import KINDS, Finding
from recordbake.audit.verdict import Facts, judge
from recordbake.audit.words import NOUNS

FACTS = Facts(
    entries=10, entry_bytes=1000, typical_bytes=40, judged=10, replayed=True,
    command=("pytest", "-q", "tests/with space"),
)  # fmt: skip
QUOTED = "pytest -q 'tests/with space'"


def finding(kind, n=0, **evidence):
    return Finding(kind, KINDS[kind], f"GET https://h/{n}", evidence)


#: Evidence that findings of a kind have and the verdict looks at.
EVIDENCE = {"unused": {"needless": False}, "secret": {"known": False}}


def many(kind, number):
    return [finding(kind, n, **EVIDENCE.get(kind, {})) for n in range(number)]


def test_every_kind_of_finding_has_words():
    assert set(NOUNS) == set(KINDS)


def test_nothing_found_keeps_the_recording():
    verdict = judge([], FACTS)
    assert (verdict.decision, verdict.requests, verdict.bytes) == ("keep", 0, 0)
    assert verdict.command == f"recordbake replay --strict -- {QUOTED}"
    assert verdict.reasons == ()


def test_without_a_replay_the_sentence_promises_nothing():
    assert "no replay has tried it" in judge([], replace(FACTS, replayed=False)).sentence


@pytest.mark.parametrize(
    "kind", ["unused", "damaged-journal", "leak", "uncovered", "secret", "volatile"]
)
def test_what_recording_does_not_mend_keeps_the_recording_and_is_said(kind):
    verdict = judge(many(kind, 2), FACTS)
    assert verdict.decision == "keep"
    assert verdict.reasons == (f"2 {NOUNS[kind][1]}",)
    assert (NOUNS[kind][1] in verdict.sentence) == (kind in ("leak", "uncovered", "secret"))


@pytest.mark.parametrize("kind", ["live-miss", "incomplete", "damaged-entry"])
def test_what_is_missing_is_recorded_alone(kind):
    verdict = judge([*many(kind, 2), *many("unused", 5)], FACTS)
    assert verdict.decision == "re-record these"
    assert verdict.command == f"recordbake record --missing -- {QUOTED}"
    assert (verdict.requests, verdict.bytes) == (2, 80)
    assert verdict.reasons == (f"2 {NOUNS[kind][1]}", "5 unused entries")


def test_the_command_names_the_audit_and_the_verdict_what_to_fetch_and_which_tests_to_run():
    facts = replace(FACTS, audit="reports/audit.json")
    changed = Finding("stale-upstream", "warning", "GET https://h/9", {"key": "k9", "bytes": 7},
                      ("t.py::b",))  # fmt: skip
    missed = Finding("live-miss", "error", "GET https://h/1", {"by_test": {"t.py::a": 1}},
                     ("t.py::a",))  # fmt: skip
    verdict = judge([missed, changed], facts)
    assert verdict.decision == "re-record these"
    assert verdict.command == f"recordbake record --from-audit reports/audit.json -- {QUOTED}"
    assert verdict.refetch == ("k9",)
    assert verdict.tests == ("t.py::a", "t.py::b")
    assert (verdict.requests, verdict.bytes) == (2, 47)
    assert judge([*many("live-miss", 1), changed], facts).tests == ()  # whose it is, nobody knows


AGAIN, KEEP = "re-record these", "keep"


@pytest.mark.parametrize(
    ("kind", "evidence", "decision"),
    [
        ("error-kept", {}, AGAIN), ("suspicious-200", {}, AGAIN), ("stale-upstream", {}, AGAIN),
        ("secret", {"known": True}, AGAIN), ("secret", {"known": False}, KEEP),
        ("stale-origin", {"revalidation": "cannot be asked"}, AGAIN),
        ("stale-origin", {"revalidation": "not asked"}, KEEP),
        ("stale-origin", {"revalidation": "unknown"}, KEEP),
        ("oversized", {}, KEEP), ("duplicate-body", {}, KEEP), ("growth", {}, KEEP),
    ],
)  # fmt: skip
def test_each_kind_is_recorded_again_where_that_mends_it(kind, evidence, decision):
    found = finding(kind, key="k", bytes=3, **evidence)
    verdict = judge([found], replace(FACTS, audit="a.json"))
    assert verdict.decision == decision
    assert verdict.refetch == (("k",) if decision == AGAIN else ())


def test_after_recording_comes_the_replay_that_shows_it_and_a_bake_where_the_store_has_grown():
    replayed = f"recordbake replay --strict -- {QUOTED}"
    assert judge(many("live-miss", 1), FACTS).then == (replayed,)
    assert judge([*many("live-miss", 1), *many("growth", 1)], FACTS).then == (
        replayed, "recordbake bake",
    )  # fmt: skip
    assert judge(many("growth", 1), FACTS).then == ("recordbake bake",)
    assert judge([], FACTS).then == ()


def test_unused_entries_are_dropped_where_no_test_needs_them():
    needless = finding("unused", key="k", take=1, needless=True)
    needed = finding("unused", key="n", take=0, needless=False)
    assert judge([needless, needed], FACTS).drop == (("k", 1),)


def test_one_request_missing_for_two_reasons_is_fetched_once_at_its_known_size():
    both = [finding("incomplete"), finding("live-miss", bytes=7)]
    verdict = judge(both, FACTS)
    assert (verdict.requests, verdict.bytes) == (1, 7)


@pytest.mark.parametrize(("stale", "decision"), [(5, "re-record these"), (6, "re-record all")])
def test_more_than_half_stale_means_all(stale, decision):
    verdict = judge(many("stale", stale), FACTS)
    assert verdict.decision == decision
    assert verdict.command == f"recordbake record -- {QUOTED}"
    assert (verdict.requests, verdict.bytes) == (10, 1000)


def test_stale_entries_are_weighed_against_those_in_use():
    assert judge(many("stale", 2), replace(FACTS, judged=3)).decision == "re-record all"


def test_stale_and_missing_together_need_a_whole_run():
    verdict = judge([finding("stale"), finding("live-miss", 1)], FACTS)
    assert verdict.decision == "re-record these"
    assert "--missing" not in verdict.command
    assert (verdict.requests, verdict.bytes) == (11, 1040)


def test_an_empty_store_means_all_whatever_was_found():
    empty = replace(FACTS, entries=0, entry_bytes=0, judged=0)
    verdict = judge([finding("live-miss")], empty)
    assert verdict.decision == "re-record all"
    assert verdict.command == f"recordbake record -- {QUOTED}"
    assert verdict.reasons == ("the store has no entries", "1 missing request")


def test_the_command_survives_a_shell_whatever_is_in_it():
    command = ("pytest", "-k", "a; rm -rf $HOME", "it's", "--", "")
    verdict = judge([finding("live-miss")], replace(FACTS, command=command))
    assert shlex.split(verdict.command) == ["recordbake", "record", "--missing", "--", *command]


def test_an_unknown_command_is_a_placeholder_and_options_come_before_it():
    facts = replace(FACTS, command=(), options=("--recording", "other dir"))
    assert (
        judge([], facts).command == "recordbake replay --strict --recording 'other dir' -- COMMAND"
    )
