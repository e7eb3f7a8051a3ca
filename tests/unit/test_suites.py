"""The runner of foreign suites, as far as it needs no network."""

from __future__ import annotations

import pytest

from tests.suites.__main__ import locked


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
