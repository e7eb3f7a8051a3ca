"""What a suite's own pytest shows: the section, the misses, strict tests, JUnit properties."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from xml.etree import ElementTree as ET

import pytest

from tests.support.cli import recordbake
from tests.support.environments import python_with
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
SUITE = """
    import os, urllib.request
    import pytest
    PAGE = os.environ.get("PAGE", "1")
    def get(path):
        return urllib.request.urlopen(BASE + path).read().decode()
    def test_green():
        get("/green")
    def test_missing():
        get("/missed?page=" + PAGE)
    def test_swallows():
        try:
            get("/swallowed?page=" + PAGE)
        except OSError:
            pass
    def test_skips_itself():
        try:
            get("/skipped?page=" + PAGE)
        except OSError:
            pytest.skip("no network")
    def test_child():
        import subprocess, sys
        code = f"import urllib.request; urllib.request.urlopen('{BASE}/child?page={PAGE}')"
        subprocess.run(f"{sys.executable} -c \\"{code}\\"; true", shell=True, stderr=-3)
    """


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A recorded suite; with PAGE=2 it asks for what was not recorded."""
    path = tmp_path_factory.mktemp("suite")
    with Origin() as origin:
        (path / "test_suite.py").write_text(f"BASE = {origin.url!r}\n" + textwrap.dedent(SUITE))
        result = recordbake("record", "--", *PYTEST, cwd=path, env=CAPTURE)
        assert result.returncode == 0, result.stderr
    return path


def replay(suite, *arguments, page=2, strict_tests=False, command=PYTEST, env=None):
    flag = ["--strict-tests"] if strict_tests else []
    return recordbake(
        "replay", "--strict", *flag, "--", *command, *arguments, cwd=suite,
        env=CAPTURE | {"PAGE": str(page)} | (env or {}),
    )  # fmt: skip


def section(output):
    """The lines of the terminal section."""
    lines = output.splitlines()
    start = next(n for n, line in enumerate(lines) if line.strip("=") == " recordbake ")
    end = next(n for n, line in enumerate(lines[start + 1 :], start + 1) if line.startswith("="))
    return lines[start + 1 : end]


def outcomes(result, path):
    """Test -> outcome, as pytest's JUnit report has it."""
    found = {}
    for case in ET.parse(path).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[case.get("name")] = kinds.pop() if kinds else "passed"
    return found


PARALLEL = [[], ["-n", "2"], ["-p", "no:randomly", "-q"]]


@pytest.mark.parametrize("arguments", PARALLEL, ids=str)
def test_the_section_says_what_happened(suite, arguments):
    lines = section(replay(suite, *arguments).stdout)
    assert lines[0].startswith("replay_strict: 5 requests (1 hit, 4 blocked), barrier: ")
    assert [line.partition("/missed")[2] for line in lines if "/missed" in line] == [
        "?page=2 (test_suite.py::test_missing)"
    ]
    assert sum(line.startswith("miss: GET ") for line in lines) == 4


def test_a_green_replay_has_a_section_too(suite):
    assert section(replay(suite, page=1).stdout)[0].startswith("replay_strict: 5 requests (5 hit)")


def test_the_slowest_live_requests_and_suspects_of_a_recording(tmp_path):
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(textwrap.dedent(f"""
            import urllib.request, urllib.error
            def test_down():
                try:
                    urllib.request.urlopen("{origin.url}/down")
                except urllib.error.HTTPError:
                    pass
            """))  # fmt: skip
        result = recordbake("record", "--retry-max-wait", "0", "--", *PYTEST, cwd=tmp_path,
                            env=CAPTURE)  # fmt: skip
    lines = section(result.stdout)
    assert lines[0] == "record: 1 requests (1 stored)"
    assert lines[1].startswith("slowest live: ")
    assert lines[1].endswith(f" ms GET {origin.url}/down (test_suite.py::test_down)")
    assert lines[2].startswith("suspect: 1 ")


@pytest.mark.parametrize("arguments", PARALLEL, ids=str)
def test_a_miss_is_explained_in_the_failing_tests_own_report(suite, arguments):
    output = replay(suite, *arguments).stdout
    report = output.partition("_ test_missing _")[2].partition("= recordbake =")[0]
    before, _, own = report.rpartition("- recordbake -")
    assert "_recordbake_guest" not in before  # the traceback shows the suite's and the client's
    assert "recordbake blocked GET" in own
    assert "differs: query parameter page: recorded '1', asked '2'" in own


def test_outcomes_stay_as_they_are_without_strict_tests(suite, tmp_path):
    result = replay(suite, f"--junitxml={tmp_path}/report.xml")
    assert outcomes(result, tmp_path / "report.xml") == {
        "test_green": "passed",
        "test_missing": "failure",
        "test_swallows": "passed",
        "test_skips_itself": "skipped",
        "test_child": "passed",
    }


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=str)
def test_strict_tests_fails_what_swallowed_a_block(suite, tmp_path, arguments):
    result = replay(
        suite, f"--junitxml={tmp_path}/report.xml", *arguments, strict_tests=True
    )  # fmt: skip
    assert outcomes(result, tmp_path / "report.xml") == {
        "test_green": "passed",
        "test_missing": "failure",
        "test_swallows": "failure",
        "test_skips_itself": "failure",
        "test_child": "failure",
    }
    summary = result.stdout.partition("short test summary info")[2]
    assert "test_suite.py::test_swallows - recordbake: blocked GET" in summary
    assert "4 failed, 1 passed" in summary


def test_properties_in_the_junit_report(suite, tmp_path):
    replay(suite, f"--junitxml={tmp_path}/report.xml", "-n", "2")
    (root,) = ET.parse(tmp_path / "report.xml").iter("testsuite")
    whole = {p.get("name"): p.get("value") for p in root.find("properties")}
    assert whole["recordbake.mode"] == "replay_strict"
    assert (whole["recordbake.hit"], whole["recordbake.blocked"]) == ("1", "4")
    cases = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in root.iter("testcase")
    }
    assert cases["test_green"]["recordbake.hits"] == "1"
    assert cases["test_child"]["recordbake.misses"] == "1"


@pytest.mark.parametrize("plugin", ["terminal", "junitxml", "cacheprovider", "recordbake"])
def test_plugins_can_be_switched_off(suite, plugin):
    result = replay(suite, "-p", f"no:{plugin}")
    assert result.returncode == 10
    assert "INTERNALERROR" not in result.stdout + result.stderr
    assert "5 requests (1 hit, 4 blocked), 5 tests" in result.stderr
    assert ("= recordbake =" in result.stdout) == (plugin not in ("terminal", "recordbake"))


def test_a_leak_that_a_test_swallows(suite, tmp_path):
    (tmp_path / "test_leak.py").write_text(textwrap.dedent("""
        import socket
        def test_leak():
            try:
                socket.create_connection(("192.0.2.1", 5432), timeout=1)
            except OSError:
                pass
        """))  # fmt: skip
    result = replay(suite, str(tmp_path), strict_tests=True)
    swallowed = r"recordbake: blocked \w+ of 192\.0\.2\.1:5432, and the test swallowed it"
    assert re.search(swallowed, result.stdout)
    own = result.stdout.rpartition("- recordbake -")[2]
    assert "no client that it captures asked for it" in own
    lines = section(result.stdout)
    assert "0 requests (none), 1 leaks, barrier: " in lines[0]
    assert re.match(r"leak: \w+ of 192\.0\.2\.1:5432 \(.*test_leak\)", lines[1])


def test_very_quiet_is_quiet(suite):
    assert "recordbake" not in replay(suite, "-qq", page=1).stdout


def test_a_suite_without_requests_looks_as_ever(suite, tmp_path):
    (tmp_path / "test_none.py").write_text("def test(): pass")
    result = replay(suite, str(tmp_path), f"--junitxml={tmp_path}/report.xml")
    assert "recordbake" not in result.stdout
    assert "recordbake" not in (tmp_path / "report.xml").read_text()


def test_a_pytest_that_a_test_runs_looks_as_ever(suite, tmp_path):
    inner = suite / "test_suite.py"
    (tmp_path / "test_outer.py").write_text(textwrap.dedent(f"""
        import subprocess, sys
        def test_outer():
            result = subprocess.run([sys.executable, "-m", "pytest", "{inner}"],
                                    capture_output=True, text=True)
            assert "short test summary" in result.stdout
            assert "= recordbake =" not in result.stdout
        """))  # fmt: skip
    assert "1 passed" in replay(suite, str(tmp_path)).stdout


def test_what_pytest_itself_lists_is_unchanged(suite):
    """No plugin line in the header, and nothing recordbake in the help."""
    result = replay(suite, "--collect-only", "-q")
    assert "recordbake" not in result.stdout
    assert "recordbake" not in replay(suite, "--help").stdout


def test_reruns_and_random_order(tmp_path):
    """The rerun's report tells its own misses; strict tests are run again as any failure."""
    python = python_with("pytest", "pytest-rerunfailures", "pytest-randomly", "pytest-xdist")
    command = [python, "-m", "pytest", "-p", "no:cacheprovider"]
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(f"BASE = {origin.url!r}\n" + textwrap.dedent(SUITE))
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
        assert recorded.returncode == 0, recorded.stdout
    result = replay(tmp_path, "--reruns", "1", "-n", "2", command=command, strict_tests=True)
    assert "4 failed, 1 passed, 4 rerun" in result.stdout, result.stdout
    assert section(result.stdout)[0].startswith("replay_strict: 9 requests (1 hit, 8 blocked)")
    report = result.stdout.partition("_ test_missing _")[2].partition("\n____")[0]
    assert report.rpartition("- recordbake -")[2].count("recordbake blocked GET") == 1


def test_the_suites_environment_need_not_know_recordbake(tmp_path):
    python = python_with("pytest", "pytest-rerunfailures", "pytest-randomly", "pytest-xdist")
    (tmp_path / "test_suite.py").write_text(textwrap.dedent("""
        import importlib.util, json, pathlib, sys
        def test_it():
            assert importlib.util.find_spec("recordbake") is None
        """))  # fmt: skip
    result = recordbake("record", "--", python, "-m", "pytest", "-q", cwd=tmp_path)
    assert "1 passed" in result.stdout
    (journal,) = tmp_path.glob(".recordbake/runs/*/http_log.ndjson")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    (ended,) = [e for e in events if e["event"] == "test"]
    assert (ended["file"], ended["line"]) == (str(tmp_path / "test_suite.py"), 3)
