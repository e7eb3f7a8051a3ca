"""The same request answered differently over time: each test gets its own answers, in order."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.environments import python_with
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
SUITE = """
import os, subprocess, sys, urllib.request
import pytest

def get(path):
    return urllib.request.urlopen("{url}" + path).read().decode()

def note(test, seen):
    with open("seen-" + os.environ["ROUND"], "a") as stream:
        stream.write(test + " " + ",".join(seen) + "\\n")

@pytest.fixture(scope="session")
def service():
    return [get("/job?session") for _ in range(3)]

@pytest.mark.parametrize("name", "abcd")
def test_poll(name, service, request):
    note("session", service)
    note(name, [get("/job?shared") for _ in range(2)])

def test_children():
    code = "import urllib.request as u; print(u.urlopen('{url}/job?child').read().decode())"
    run = lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    note("children", [run().stdout.strip() for _ in range(3)])

def test_rerun():
    seen = [get("/job?again") for _ in range(3)]
    note("rerun", seen)
    if os.environ.get("FLAKE") and not os.path.exists("flaked"):
        open("flaked", "w").close()
        raise AssertionError("for another reason than the answers")
"""


@pytest.fixture(scope="module")
def python():
    return python_with("pytest", "pytest-xdist", "pytest-rerunfailures", "pytest-randomly")


@pytest.fixture(scope="module")
def recorded(python, tmp_path_factory):
    """The suite, recorded in order of its file, and what its tests saw."""
    where = tmp_path_factory.mktemp("takes")
    with Origin() as origin:
        (where / "test_suite.py").write_text(textwrap.dedent(SUITE).replace("{url}", origin.url))
        result = run("record", where, python, "-p", "no:randomly")
        assert result.returncode == 0, result.stdout + result.stderr
    return where, seen(where, "record")


def run(verb, where, python, *arguments, mark=None, **env):
    flags = [] if verb == "record" else ["--strict"]
    (where / f"seen-{mark or verb}").unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return recordbake(
        verb, *flags, "--", *command, cwd=where, env=CAPTURE | {"ROUND": mark or verb} | env
    )


def seen(where, mark):
    lines = (where / f"seen-{mark}").read_text().splitlines()
    return sorted(set(lines))


def test_the_recording_has_what_these_tests_are_about(recorded):
    _, live = recorded
    assert live == [
        "a queued,running", "b done,done", "c done,done", "children queued,running,done",
        "d done,done", "rerun queued,running,done", "session queued,running,done",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("-p", "no:randomly"),
        ("-p", "randomly"),
        ("-n", "3", "-p", "no:randomly"),
        ("-n", "2"),
        ("test_suite.py::test_poll[b]", "test_suite.py::test_poll[c]"),
        ("-k", "children or rerun"),
    ],
    ids=" ".join,
)
def test_each_test_gets_its_own_answers_in_order(recorded, python, arguments):
    where, live = recorded
    result = run("replay", where, python, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(seen(where, "replay")) <= set(live)


def test_a_rerun_starts_again_with_the_first_answer(recorded, python):
    where, live = recorded
    (where / "flaked").unlink(missing_ok=True)
    result = run("replay", where, python, "-k", "rerun", "--reruns", "2", mark="flaky", FLAKE="1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (where / "seen-flaky").read_text().splitlines() == ["rerun queued,running,done"] * 2
    assert live


def test_a_rerun_that_was_recorded_is_replayed_as_one(python, tmp_path):
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(
            textwrap.dedent(f"""
            import urllib.request
            def test_flaky():
                answer = urllib.request.urlopen("{origin.url}/job").read().decode()
                print(answer)
                assert answer == "done"
            """)
        )
        reruns = ("--reruns", "3", "--junitxml", "out.xml", "-p", "no:randomly")
        for verb in ("record", "replay"):
            result = run(verb, tmp_path, python, *reruns)
            assert result.returncode == 0, result.stdout + result.stderr
            assert "1 passed, 2 rerun" in result.stdout
        journal = next((tmp_path / ".recordbake" / "runs").glob("*strict*/http_log.ndjson"))
        events = [json.loads(line) for line in journal.read_text().splitlines()]
        assert [e["take"] for e in events if e["event"] == "request"] == [0, 1, 2]
