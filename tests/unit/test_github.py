"""What GitHub shows is what its workflow commands and job summary were told."""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from recordbake import github
from recordbake.run_info import RunInfo
from recordbake.run_summary import Summary
from tests.support.cli import recordbake
from tests.support.origin import Origin

HERE = "/repo/tests/test_a.py"


def miss(n=1, outcome="blocked", **fields):
    url = f"https://api.example.org/items?page={n}"
    return {
        "event": "request", "outcome": outcome, "method": "GET", "url": url, "test": "t.py::a",
        "message": f"recordbake blocked GET {url}: 100%\r\nnext: x",
    } | fields  # fmt: skip


def leak(**fields):
    return {"event": "leak", "what": "connect", "host": "db", "port": 5432, "blocked": True,
            "test": None} | fields  # fmt: skip


def summary(misses=(), leaks=(), places=None):
    counts = Counter(requests=len(misses), blocked=len(misses), leaks=len(leaks), tests=1)
    return Summary(
        counts, list(misses), list(leaks),
        places={"t.py::a": (HERE, 12)} if places is None else places,
    )  # fmt: skip


def info():
    return RunInfo("r", "replay_strict", ["pytest"], 0.0, exit_code=10)


def test_an_annotation_stands_at_the_test():
    (line,) = github.workflow_commands(summary([miss()]), "/repo")
    assert line == (
        "::error file=tests/test_a.py,line=12,"
        "title=recordbake%3A live miss%3A GET https%3A//api.example.org/items?page=1"
        "::recordbake blocked GET https://api.example.org/items?page=1: 100%25%0D%0Anext: x\n"
    )


@pytest.mark.parametrize(
    ("workspace", "places", "where"),
    [
        ("/other", None, f"file={HERE},line=12,"),
        (None, None, f"file={HERE},line=12,"),
        ("/repo", {}, ""),
        ("/repo", {"t.py::a": ("/repo/a,b:c%.py", None)}, "file=a%2Cb%3Ac%25.py,"),
    ],
)
def test_where_it_stands(workspace, places, where):
    (line,) = github.workflow_commands(summary([miss()], places=places), workspace)
    assert line.startswith(f"::error {where}title=")


def test_nothing_in_an_event_begins_a_command_of_its_own():
    hostile = "x\n::error::y\r::warning::z"
    lines = list(github.workflow_commands(
        summary([miss(url=hostile, message=hostile)], [leak(host=hostile)]), None
    ))  # fmt: skip
    assert len(lines) == 2
    assert all(line.count("\n") == 1 and "\r" not in line for line in lines)


def test_what_went_live_is_a_warning_and_leaks_count():
    lines = list(github.workflow_commands(
        summary([miss(outcome="forwarded")], [leak(), leak(blocked=False)]), None
    ))  # fmt: skip
    assert [line.partition(" ")[0] for line in lines] == ["::warning", "::error"]
    assert "title=recordbake%3A leak%3A connect of db%3A5432::" in lines[1]


def test_no_more_than_github_shows_and_none_twice():
    found = summary([miss(n % 15) for n in range(40)])
    assert len(list(github.workflow_commands(found, None))) == 10


def test_the_job_summary():
    text = github.job_summary(info(), summary([miss(), miss(), miss(2)], [leak()]))
    assert text.splitlines()[:6] == [
        "### recordbake replay_strict: exit 10", "",
        "| requests | blocked | leaks | tests |", "| ---: | ---: | ---: | ---: |",
        "| 3 | 3 | 1 | 1 |", "",
    ]  # fmt: skip
    assert text.count("```text\n") == 3
    assert "Barrier: process." in text


def test_no_text_ends_its_block():
    text = github.job_summary(info(), summary([miss(message="a\n```\n````\n# b")]))
    assert "\n`````text\na\n```\n````\n# b\n`````\n" in text


def test_long_summaries_are_cut():
    text = github.job_summary(info(), summary([miss(n) for n in range(60)]))
    assert text.count("```text\n") == 50
    assert "And 10 more" in text


@pytest.mark.parametrize("environ", [{}, {"GITHUB_ACTIONS": "false"}])
def test_elsewhere_nothing_is_said(environ, tmp_path, capsys):
    path = tmp_path / "summary"
    github.tell(info(), summary([miss()]), environ | {"GITHUB_STEP_SUMMARY": str(path)})
    assert capsys.readouterr() == ("", "")
    assert not path.exists()


def test_a_summary_that_cannot_be_written_is_said(tmp_path, capsys):
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")}
    github.tell(info(), summary([miss()]), environ)
    out, err = capsys.readouterr()
    assert (out, "::error" in err, "cannot be written" in err) == ("", True, True)


def test_a_real_run(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_suite.py").write_text(
        "import os, urllib.request\n\ndef test_it():\n"
        "    urllib.request.urlopen(os.environ['URL'])\n"
    )
    with Origin() as origin:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "URL": origin.url + "/one"}
        recordbake("record", "--", *command, cwd=tmp_path, env=env)
        env |= {
            "URL": origin.url + "/two", "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }  # fmt: skip
        result = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    (line,) = [li for li in result.stderr.splitlines() if li.startswith("::")]
    assert line.startswith("::error file=tests/test_suite.py,line=3,title=recordbake%3A live miss")
    assert "::" not in result.stdout.replace("::test_it", "")
    (journal,) = tmp_path.glob(".recordbake/runs/*strict*/http_log.ndjson")
    events = map(json.loads, journal.read_text().splitlines())
    (message,) = [e["message"] for e in events if e.get("outcome") == "blocked"]
    assert message in (tmp_path / "summary.md").read_text()
