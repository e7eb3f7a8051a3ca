"""Recording: what is retried, what is kept, and when a recording is incomplete."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


@pytest.fixture
def origin():
    with Origin() as server:
        yield server


def suite(where, origin, body):
    (where / "test_suite.py").write_text(
        "import urllib.request, urllib.error, pytest\n"
        f"BASE = {origin.url!r}\n"
        "def get(path):\n"
        "    return urllib.request.urlopen(BASE + path, timeout=60).read().decode()\n"
        + textwrap.dedent(body)
    )


def record(where, *arguments, command=PYTEST):
    return recordbake("record", *arguments, "--", *command, cwd=where, env=CAPTURE)


def strict(where, *arguments, command=PYTEST):
    return recordbake("replay", "--strict", *arguments, "--", *command, cwd=where, env=CAPTURE)


def requests_of(where):
    (journal,) = where.glob(".recordbake/runs/*record*/http_log.ndjson")
    lines = map(json.loads, journal.read_text().splitlines())
    return [line for line in lines if line["event"] == "request"]


def test_429_is_retried_and_the_suite_does_not_see_it(tmp_path, origin):
    suite(tmp_path, origin, "def test_a(): assert get('/busy') == '/busy'")
    assert record(tmp_path).returncode == 0
    (event,) = requests_of(tmp_path)
    assert (event["status"], event["retries"], event["outcome"]) == (200, 2, "stored")
    assert origin.requests == ["GET /busy"] * 3
    origin.close()
    assert strict(tmp_path).returncode == 0


DOWN = """
def test_a():
    try:
        get('/down')
    except urllib.error.HTTPError as error:
        {then}
"""


def test_an_error_that_a_passing_test_wants_to_see_is_complete_and_replays(tmp_path, origin):
    suite(tmp_path, origin, DOWN.format(then="assert error.code == 503"))
    result = record(tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(origin.requests) == 1  # it asked for 999 s, which is out of bounds
    origin.close()
    assert strict(tmp_path).returncode == 0


def test_a_suite_that_skips_itself_leaves_an_incomplete_recording(tmp_path, origin):
    suite(tmp_path, origin, DOWN.format(then="pytest.skip('down')"))
    result = record(tmp_path)
    assert result.returncode == 11
    assert "incomplete: GET" in result.stderr
    assert "HTTP 503" in result.stderr
    assert "test_suite.py::test_a" in result.stderr
    assert record(tmp_path, "--allow-errors").returncode == 0


@pytest.mark.parametrize(("path", "says"), [("/reset", "reset"), ("/empty-reply", "disconnected")])
def test_a_transport_error_that_nobody_vouches_for_is_incomplete(tmp_path, origin, path, says):
    code = (
        "import urllib.request\ntry: urllib.request.urlopen("
        f"{origin.url + path!r})\nexcept OSError: pass"
    )
    result = record(tmp_path, command=[sys.executable, "-c", code])
    assert result.returncode == 11
    assert says in result.stderr


def test_a_failing_command_keeps_its_exit_code_and_the_warning(tmp_path, origin):
    suite(tmp_path, origin, "def test_a(): get('/down')")
    result = record(tmp_path)
    assert result.returncode == 1
    assert "incomplete" in result.stderr


def test_recording_again_asks_for_everything_again(tmp_path, origin):
    suite(tmp_path, origin, "def test_a(): assert get('/a') == '/a'")
    assert record(tmp_path).returncode == record(tmp_path).returncode == 0
    assert origin.requests == ["GET /a", "GET /a"]


def test_missing_fetches_only_what_is_missing_and_keeps_the_rest(tmp_path, origin):
    suite(tmp_path, origin, "def test_a(): assert get('/a') == '/a'")
    record(tmp_path)
    suite(tmp_path, origin, "def test_a(): assert get('/a') + get('/b') == '/a/b'")
    result = record(tmp_path, "--missing")
    assert "2 requests (1 hit, 1 stored)" in result.stderr
    assert origin.requests == ["GET /a", "GET /b"]
    origin.close()
    assert strict(tmp_path).returncode == 0


POLLING = """
import pytest
@pytest.mark.parametrize("worker", range(3))
def test_poll(worker):
    assert [get(f"/job") for _ in range(2)] == EXPECTED[worker]
def test_done():
    assert get("/job") == "done"
"""


def test_takes_replay_in_order_for_each_test(tmp_path, origin):
    expected = "EXPECTED = [['queued', 'running'], ['done', 'done'], ['done', 'done']]\n"
    suite(tmp_path, origin, expected + POLLING)
    assert record(tmp_path).returncode == 0
    origin.close()
    assert strict(tmp_path).returncode == 0
    for selection in (["-k", "poll and 0"], ["-k", "done"], ["-n", "2"]):
        result = strict(tmp_path, command=[*PYTEST, *selection])
        assert result.returncode == 0, (selection, result.stdout)


def test_xdist_workers_record_into_one_recording(tmp_path, origin):
    suite(
        tmp_path, origin,
        "@pytest.mark.parametrize('n', range(40))\ndef test_n(n): assert get(f'/{n}') == f'/{n}'",
    )  # fmt: skip
    result = record(tmp_path, command=[*PYTEST, "-n", "4"])
    assert result.returncode == 0, result.stderr
    assert "40 requests (40 stored), 40 tests" in result.stderr
    events = requests_of(tmp_path)
    assert all(e["test"] == f"test_suite.py::test_n[{e['url'].rpartition('/')[2]}]" for e in events)
    origin.close()
    assert strict(tmp_path, command=[*PYTEST, "-n", "3"]).returncode == 0


def test_a_runner_that_was_killed_is_finished_by_the_next_command(tmp_path, origin):
    code = (
        f"import os, urllib.request; urllib.request.urlopen({origin.url + '/a'!r}).read();"
        "os.kill(os.getppid(), 9)"
    )
    killed = record(tmp_path, command=[sys.executable, "-c", code])
    assert killed.returncode == -9
    origin.close()
    again = [
        sys.executable, "-c",
        f"import urllib.request; print(urllib.request.urlopen({origin.url + '/a'!r}).read())",
    ]  # fmt: skip
    result = strict(tmp_path, command=again)
    assert result.stdout == "b'/a'\n"
    assert "which had been killed" in result.stderr


def test_signed_redirects_replay_and_are_kept_once(tmp_path, origin):
    suite(tmp_path, origin, "def test_a(): assert 'fox' in get('/signed')")
    record(tmp_path)
    record(tmp_path)
    import sqlite3

    store = tmp_path / ".recordbake/http_cache/requests_cache.sqlite"
    with sqlite3.connect(store) as connection:
        urls = [row[0] for row in connection.execute("SELECT url FROM entries")]
    assert len(urls) == 2
    origin.close()
    assert strict(tmp_path).returncode == 0


def test_secrets_do_not_reach_the_disk(tmp_path, origin):
    code = (
        "import urllib.request as u; u.urlopen(u.Request("
        f"{origin.url + '/a?access_token=s3cr3t-1'!r}, headers="
        "{'Authorization': 'Bearer s3cr3t-2', 'Cookie': 'sid=s3cr3t-3'})).read()"
    )
    assert record(tmp_path, command=[sys.executable, "-c", code]).returncode == 0
    (tmp_path / ".recordbake" / "runs").rename(tmp_path / "runs")  # run.json has the command
    for path in [*(tmp_path / ".recordbake").rglob("*"), *(tmp_path / "runs").rglob("*.ndjson")]:
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes(), path
