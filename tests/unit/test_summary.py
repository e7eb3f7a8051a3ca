"""The summary says each thing once, and whom it concerns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from recordbake import summary
from recordbake.recording import Run
from recordbake.run_info import RunInfo
from recordbake.run_summary import Summary

URL = "https://api.example.org/items"


def misses(*tests):
    return [
        {"method": "GET", "url": URL, "test": test, "message": f"recordbake blocked GET {URL}"}
        for test in tests
    ]


def told(capsys, *tests):
    summary._misses(misses(*tests))
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_one_miss(capsys):
    assert told(capsys, "a") == f"recordbake: recordbake blocked GET {URL}\n"


def test_several_misses_of_one_request_name_the_other_tests(capsys):
    assert told(capsys, "a", "a").endswith("\n  times:   2\n")
    assert told(capsys, "a", "b", None, "a").endswith("\n  times:   4, also by b, none known\n")
    many = [f"t{n}" for n in range(13)]
    assert told(capsys, *many).endswith("t10 and 2 more\n")


@pytest.mark.parametrize(
    ("code", "own", "end"),
    [(130, 130, " (interrupted)"), (130, 1, " (interrupted, the command's own: 1)"), (1, 1, "")],
)
def test_of_a_run_that_was_interrupted_before_a_process_was_hooked_only_that_is_said(
    capsys, code, own, end
):
    info = RunInfo("r", "record", [], 0.0, exit_code=code, command_exit_code=own)
    summary.show(info, Summary(Counter()), Run(Path("r")))
    said = capsys.readouterr().err
    assert f"exit {code}{end}; journal" in said
    assert ("nothing was captured" in said) == (not end)
