"""The marker ``recordbake``: what it lets out, in which mode, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap

import pytest

from tests.process.test_barrier import FIRST_PORT, unshare
from tests.support import outside
from tests.support.cli import ROOT, clean_environ, recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--strict-markers"]
LIVE = "@pytest.mark.recordbake(live=True)"


def write(path, text):
    (path / "test_suite.py").write_text("import pytest\n" + textwrap.dedent(text))


@pytest.fixture
def suite(tmp_path):
    with Origin() as origin:
        write(tmp_path, f"""
            import urllib.request
            def get(path):
                return urllib.request.urlopen("{origin.url}" + path).read().decode()
            def test_recorded():
                assert get("/one") == "/one"
            {LIVE}
            def test_live():
                assert get("/live") == "/live"
            """)  # fmt: skip
        yield tmp_path, origin


def outcomes(path):
    journal = max(path.glob(".recordbake/runs/*/http_log.ndjson"))
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    return {(e["url"].rpartition("/")[2], e["outcome"]) for e in events if e["event"] == "request"}


def run(path, *arguments):
    return recordbake(*arguments, "--", *PYTEST, cwd=path, env=CAPTURE)


def test_a_live_test_is_not_recorded_and_goes_live_in_a_replay(suite):
    path, origin = suite
    assert run(path, "record").returncode == 0
    assert outcomes(path) == {("one", "stored"), ("live", "bypass")}
    assert "1 entries" in recordbake("bake", cwd=path).stdout
    assert run(path, "replay").returncode == 0
    assert outcomes(path) == {("one", "hit"), ("live", "bypass")}
    assert origin.requests.count("GET /live") == 2


def test_strict_skips_it_and_says_so(suite):
    path, origin = suite
    run(path, "record")
    before = len(origin.requests)
    result = run(path, "replay", "--strict")
    assert result.returncode == 0
    assert "1 passed, 1 skipped" in result.stdout
    assert "skipped, being marked to go live: test_suite.py::test_live" in result.stderr
    assert len(origin.requests) == before


def test_strict_lets_it_out_where_configuration_does(suite):
    path, origin = suite
    run(path, "record")
    (path / "pyproject.toml").write_text("[tool.recordbake]\nallow_live_tests = true\n")
    result = run(path, "replay", "--strict")
    assert result.returncode == 0, result.stdout + result.stderr
    assert outcomes(path) == {("one", "hit"), ("live", "bypass")}
    assert origin.requests.count("GET /live") == 2


def test_behind_a_namespace_it_cannot_and_the_run_does_not_start(suite):
    path, _ = suite
    unshare()
    run(path, "record")
    result = run(path, "replay", "--strict", "--isolation", "namespace", "--allow-live-tests")
    assert result.returncode == 2
    assert "behind a network namespace no test can go live" in result.stderr


def test_a_kept_connection_of_a_live_test_is_not_anothers(tmp_path):
    """Whether a request may go out is asked for each, not for each connection."""
    with Origin() as origin:
        write(tmp_path, f"""
            import http.client, requests
            session = requests.Session()
            kept = http.client.HTTPConnection("localhost", {origin.port})
            def ask(path):
                kept.request("GET", path)
                return kept.getresponse().read()
            {LIVE}
            def test_live():
                session.get("{origin.url}/live")
                ask("/live")
            def test_after():
                with pytest.raises(requests.RequestException):
                    session.get("{origin.url}/after")
                with pytest.raises(OSError):
                    ask("/after")
            """)  # fmt: skip
        recordbake("record", "--", sys.executable, "-c", "", cwd=tmp_path)
        result = run(tmp_path, "replay", "--strict", "--allow-live-tests")
        assert "2 passed" in result.stdout, result.stdout
        assert origin.requests == ["GET /live", "GET /live"]


@pytest.mark.parametrize(
    "marker", ["recordbake(liv=True)", "recordbake(True)", "recordbake(live=1)",
               "recordbake(ignore_hosts=[1])"],
)  # fmt: skip
def test_a_marker_that_is_wrong_is_an_error(tmp_path, marker):
    write(tmp_path, f"""
        @pytest.mark.{marker}
        def test_it(): pass
        """)  # fmt: skip
    result = run(tmp_path, "record")
    assert result.returncode == 4
    assert "the marker recordbake takes live=True and ignore_hosts=[...]" in result.stderr


def test_the_line_in_the_docs_registers_it_without_recordbake(tmp_path):
    page = (ROOT / "docs" / "how-to" / "pytest.md").read_text()
    (block,) = re.findall(r"```toml\n(\[tool\.pytest.*?)```", page, re.DOTALL)
    write(tmp_path, f"""
        {LIVE}
        def test_it(): pass
        """)  # fmt: skip
    alone = subprocess.run(PYTEST, cwd=tmp_path, env=clean_environ(), check=False)
    assert alone.returncode == 2  # --strict-markers
    (tmp_path / "pyproject.toml").write_text(block)
    alone = subprocess.run(PYTEST, cwd=tmp_path, env=clean_environ(), check=False)
    assert alone.returncode == 0
    result = run(tmp_path, "record")
    assert "1 passed" in result.stdout
    listed = recordbake("record", "--", *PYTEST, "--markers", cwd=tmp_path).stdout
    assert listed.count("@pytest.mark.recordbake") == 1


OUTSIDE = f"""
    import os, socket, subprocess, sys
    HOST, PORT = "{outside.HOST}", {FIRST_PORT}
    def reach(port):
        socket.create_connection((HOST, port), timeout=5).close()
    def native(port):
        return subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/{{HOST}}/{{port}}"]).returncode
    def isolated(port):
        code = f"import socket; socket.create_connection(('{{HOST}}', {{port}}), 5)"
        return subprocess.run([sys.executable, "-I", "-S", "-c", code]).returncode
    {LIVE}
    def test_live():
        reach(PORT)
        assert native(PORT + 1) == 0
        assert isolated(PORT + 2) == 0
        pid = os.fork()
        if not pid:
            reach(PORT + 3)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    def test_held():
        with pytest.raises(OSError):
            reach(PORT + 4)
        assert native(PORT + 5) != 0
        assert isolated(PORT + 6) != 0
    @pytest.mark.recordbake(ignore_hosts=["{outside.HOST}"])
    def test_host():
        reach(PORT + 7)
        assert native(PORT + 8) == 0
        with pytest.raises(OSError):
            socket.create_connection(("192.0.2.9", PORT), timeout=5)
    """


def test_the_barrier_lets_exactly_the_marked_tests_through(tmp_path):
    """The listeners are in a network namespace of the test's own, which nothing leaves."""
    write(tmp_path, OUTSIDE)
    recordbake("record", "--", sys.executable, "-c", "", cwd=tmp_path)
    arrivals = tmp_path / "arrivals"
    arrivals.write_text("")
    result = subprocess.run(
        [
            *unshare(), sys.executable, outside.__file__, arrivals, str(FIRST_PORT), "10", "--",
            sys.executable, "-m", "recordbake", "replay", "--strict", "--allow-live-tests",
            "--isolation", "seccomp", "--", *PYTEST,
        ],
        cwd=tmp_path, env=clean_environ(PYTHONPATH=str(ROOT)), capture_output=True, text=True,
        check=False, timeout=200,
    )  # fmt: skip
    assert "3 passed" in result.stdout, result.stdout + result.stderr
    assert {int(port) - FIRST_PORT for port in arrivals.read_text().split()} == {0, 1, 2, 3, 7, 8}
    assert result.returncode == 10  # what test_held and test_host tried is a leak


def test_the_variable_of_the_surroundings_lets_nothing_out(suite):
    path, origin = suite
    run(path, "record")
    before = len(origin.requests)
    write(path, f"""
        import requests
        def test_it():
            with pytest.raises(requests.RequestException):
                requests.get("{origin.url}/new")
        """)  # fmt: skip
    env = CAPTURE | {"RECORDBAKE_PASSES": "*"}
    result = recordbake("replay", "--strict", "--", *PYTEST, cwd=path, env=env)
    assert "1 passed" in result.stdout
    assert len(origin.requests) == before
