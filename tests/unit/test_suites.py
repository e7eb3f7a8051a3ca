"""The runner of foreign suites, as far as it needs no network."""

from __future__ import annotations

import pytest

from tests.suites.__main__ import locked
from tests.suites.outcomes import Verdict


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
