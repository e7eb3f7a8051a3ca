"""The runner of foreign suites, as far as it needs no network."""

from __future__ import annotations

import pytest

from tests.suites import report
from tests.suites.__main__ import locked
from tests.suites.outcomes import Verdict
from tests.support.cli import ROOT


def test_two_runs_do_not_share_a_working_directory(tmp_path):
    work = tmp_path / "work" / "requests"
    with (
        locked(work),
        pytest.raises(SystemExit, match=r"requests is in use by another run"),
        locked(work),
    ):
        pytest.fail("two at once")
    with locked(work):
        pass  # the first one has let it go


def test_modules_are_counted_by_what_needs_the_server():
    live = {"a::x": "passed", "a::y": "passed", "b::x": "skipped", "c::x": "passed"}
    alone = {"a::x": "failed", "a::y": "error", "b::x": "failed", "c::x": "passed"}
    verdict = Verdict(live, alone, live, live | {"a::x": "failed", "c::x": "failed"})
    assert verdict.modules() == {"a": [2, 2, 1], "b": [1, 1, 1]}


def test_the_page_keeps_what_it_says_of_suites_that_were_not_run(tmp_path):
    page = tmp_path / "page.md"
    before = (ROOT / "docs" / "reference" / "suites.md").read_text()
    page.write_text(before)
    report.write_page(page, tmp_path)
    assert page.read_text() == before
