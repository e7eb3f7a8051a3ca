"""Nothing goes live in a strict replay, a miss explains itself, and damage stops the run."""

from __future__ import annotations

import html
import json
import pickle
import sqlite3
import sys
import textwrap

import pytest

from recordbake.store import seal
from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


@pytest.fixture
def suite(tmp_path):
    """A recorded suite of two tests, with the server gone."""
    with Origin() as origin:
        (tmp_path / "test_suite.py").write_text(
            textwrap.dedent(f"""
            import urllib.request
            BASE = "{origin.url}"
            def get(path):
                return urllib.request.urlopen(BASE + path).read().decode()
            def test_one():
                assert get("/one?page=1") == "/one"
            def test_two():
                assert get("/two") == "/two"
            """)
        )
        result = recordbake("record", "--", *PYTEST, cwd=tmp_path, env=CAPTURE)
        assert result.returncode == 0, result.stderr
    return tmp_path


def store_of(suite):
    return suite / ".recordbake" / "http_cache" / "requests_cache.sqlite"


def replay(suite, *command, strict=True, env=None):
    arguments = ["--strict"] if strict else []
    return recordbake(
        "replay", *arguments, "--", *(command or PYTEST), cwd=suite, env=CAPTURE | (env or {})
    )


def delete(suite, url_end):
    with sqlite3.connect(store_of(suite)) as connection:
        connection.execute("DELETE FROM entries WHERE url LIKE ?", (f"%{url_end}",))
        seal(connection)


def test_green(suite):
    result = replay(suite)
    assert result.returncode == 0, result.stderr
    assert "2 requests (2 hit)" in result.stderr


def test_a_missing_entry_fails_the_run_and_names_url_and_test(suite):
    delete(suite, "/two")
    result = replay(suite)
    assert result.returncode == 10
    assert "the command's own: 1" in result.stderr
    assert "/two" in result.stderr
    assert "test_suite.py::test_two" in result.stderr
    assert "recordbake record --missing" in result.stderr
    assert "blocked" in result.stdout  # the failing test's own report explains it
    assert "Traceback" not in result.stderr


def test_a_miss_that_the_test_swallows_exits_with_10(suite):
    delete(suite, "/two")
    path = suite / "test_suite.py"
    path.write_text(
        path.read_text().replace(
            'assert get("/two") == "/two"',
            'try:\n        get("/two")\n    except OSError:\n        pass',
        )
    )
    result = replay(suite)
    assert result.returncode == 10
    assert "1 blocked" in result.stderr
    assert "/two" in result.stderr
    assert "test_suite.py::test_two" in result.stderr


def test_the_message_names_the_nearest_entry_and_what_differs(suite):
    path = suite / "test_suite.py"
    path.write_text(path.read_text().replace("page=1", "page=2"))
    result = replay(suite)
    assert "nearest: GET" in result.stderr
    assert "query parameter page: recorded '1', asked '2'" in result.stderr
    assert "recorded by this test" in result.stderr


def test_exception_summary_and_audit_say_the_same(suite):
    path = suite / "test_suite.py"
    path.write_text(path.read_text().replace("page=1", "page=2"))
    result = replay(suite)
    (journal,) = suite.glob(".recordbake/runs/*strict*/http_log.ndjson")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    (message,) = [e["message"] for e in events if e.get("outcome") == "blocked"]
    assert message in result.stderr
    lines = [line.strip() for line in message.splitlines()]
    assert len(lines) == 5
    raised = [line.removeprefix("E").strip() for line in result.stdout.splitlines()]
    assert set(lines[1:]) <= set(raised)
    assert any(line.endswith(lines[0]) for line in raised)
    assert recordbake("audit", cwd=suite).returncode == 0
    reports = suite / "reports"
    (finding,) = [
        f for f in json.loads((reports / "audit.json").read_text())["findings"]
        if f["kind"] == "live-miss"
    ]  # fmt: skip
    assert finding["evidence"]["message"] == message
    page = html.unescape((reports / "audit.html").read_text())
    assert all(f">{line}</code>" in page for line in lines)
    markdown = (reports / "audit.md").read_text()
    assert all(f"`{line}`" in markdown for line in lines)


def test_a_body_field_is_named_and_its_values_are_not_kept(tmp_path):
    code = textwrap.dedent("""
        import json, os, urllib.request
        body = {"user": {"name": os.environ["NAME"], "password": os.environ["WORD"]}}
        urllib.request.urlopen(urllib.request.Request(
            os.environ["URL"], json.dumps(body).encode(), {"Content-Type": "application/json"}))
        """)
    command = [sys.executable, "-c", code]
    with Origin() as origin:
        env = CAPTURE | {"URL": origin.url + "/one", "WORD": "hunter2"}
        recordbake("record", "--", *command, cwd=tmp_path, env=env | {"NAME": "Ada Lovelace"})
        result = recordbake("replay", "--strict", "--", *command, cwd=tmp_path,
                            env=env | {"NAME": "Grace Hopper"})  # fmt: skip
    assert "differs: body field user.name: another value than recorded" in result.stderr
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"user.name" in kept
    assert not [word for word in (b"Ada", b"Grace", b"hunter2") if word in kept]


WITH_AIOHTTP = """import aiohttp, asyncio
async def main():
    async with aiohttp.request("GET", URL):
        pass
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("client", "raised"),
    [
        ("import requests as c; c.get(URL)", "requests.exceptions.RetryError"),
        ("import urllib3 as c; c.PoolManager().request('GET', URL)", "MaxRetryError"),
        ("import urllib.request as c; c.urlopen(URL)", "urllib.error.URLError"),
        ("import httpx as c; c.get(URL)", "httpx.ProxyError"),
        ("import httpx2 as c; c.get(URL)", "httpx2.ProxyError"),
        (WITH_AIOHTTP, "aiohttp.client_exceptions.ClientError"),
    ],
)
def test_a_miss_raises_the_clients_own_error_once(suite, client, raised):
    code = f"URL = 'http://localhost:1/never'; {client}"
    result = replay(suite, sys.executable, "-c", code)
    assert result.returncode == 10
    assert raised in result.stderr
    assert "recordbake blocked GET http://localhost:1/never" in result.stderr
    assert "1 requests (1 blocked)" in result.stderr  # retries would count


def test_replay_without_strict_goes_live_and_says_so(suite):
    delete(suite, "/two")
    with Origin() as origin:
        path = suite / "test_suite.py"
        path.write_text(
            path.read_text().replace(
                'assert get("/two")', f'BASE = "{origin.url}"\n    assert urllib.request.'
                'urlopen(BASE + "/two").read().decode()'
            )
        )  # fmt: skip
        result = replay(suite, strict=False)
        assert origin.requests == ["GET /two"]
    assert result.returncode == 0, result.stdout
    assert "1 forwarded" in result.stderr
    assert "live miss: GET" in result.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_sockets_that_no_client_explains_are_blocked(suite, host):
    code = textwrap.dedent(f"""
        import socket
        try:
            socket.create_connection(("{host}", 5432), timeout=5)
        except OSError as error:
            print(error)
        """)
    result = replay(suite, sys.executable, "-c", code)
    assert result.returncode == 10
    assert "recordbake blocked" in result.stdout
    assert f"{host}:5432" in result.stderr


def test_connect_ex_reports_a_block_by_its_number(suite):
    code = "import socket; print([socket.socket().connect_ex(('192.0.2.1', 9)) for _ in 'ab'])"
    result = replay(suite, sys.executable, "-c", code)
    assert (result.stdout, result.returncode) == ("[111, 111]\n", 10), result.stderr


def test_loopback_and_unix_sockets_pass_the_guard(suite):
    code = textwrap.dedent("""
        import socket, urllib.request
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(("localhost", server.getsockname()[1])).close()
        left, right = socket.socketpair()
        left.send(b"x")
        assert right.recv(1) == b"x"
        """)
    result = replay(suite, sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("subprocess.run([sys.executable, '-c', ''], env={})", "does not pass PYTHONPATH on"),
        ("subprocess.run([sys.executable, '-I', '-c', ''])", "started with -I"),
        ("subprocess.run([sys.executable, '-X', 'dev', '-sE', '-c', ''])", "started with -sE"),
        ("os.execv(sys.executable, [sys.executable, '-S', '-c', ''])", "started with -S"),
        ("del os.environ['PYTHONPATH']; subprocess.run(sys.executable, input=b'')",
         "does not pass PYTHONPATH on"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("isolation", "code"), [("process", 10), ("kernel", 0)])
def test_a_python_started_without_the_hook_is_listed(suite, call, why, isolation, code):
    """It is held by a kernel barrier; without one nobody knows what it did."""
    command = [sys.executable, "-c", f"import os, subprocess, sys; {call}"]
    result = replay(suite, *command, env={"RECORDBAKE_ISOLATION": isolation})
    assert result.returncode == code, result.stderr
    assert why in result.stderr


def test_pythons_started_with_the_hook_and_other_programs_are_green(suite):
    code = (
        "import os, subprocess, sys; run = subprocess.run;"
        "run([sys.executable, '-W', 'error', '-u', '-c', 'print(1)', '-I']);"
        "run([sys.executable, '-c', ''], env={**os.environ, 'A': 'b'});"
        "run(['true'], env={}); run('true', shell=True)"
    )
    result = replay(suite, sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr


def test_missing_store_stops_before_the_command(suite):
    store_of(suite).unlink()
    result = replay(suite, sys.executable, "-c", "print('started')")
    assert (result.returncode, result.stdout) == (12, "")
    assert "there is no store" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("part", [0.5, 0.02])
def test_truncated_store_stops_before_the_command(suite, part):
    path = store_of(suite)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    result = replay(suite, sys.executable, "-c", "print('started')")
    assert (result.returncode, result.stdout) == (12, "")
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr


class Bomb:
    def __reduce__(self):
        return (print, ("EXECUTED",))


def test_a_tampered_value_executes_nothing_and_is_damage(suite):
    with sqlite3.connect(store_of(suite)) as connection:
        connection.execute("UPDATE responses SET value = ?", (pickle.dumps(Bomb()),))
    result = replay(suite)
    assert "EXECUTED" not in result.stdout + result.stderr
    assert result.returncode == 12
    assert "not a recordbake value" in result.stderr


def test_store_of_a_newer_format_is_refused(suite):
    with sqlite3.connect(store_of(suite)) as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
    result = replay(suite)
    assert result.returncode == 12
    assert "format 99" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "--strcit", "--", "true"],
        ["nonsense"],
        ["record", "--retry-max-wait", "soon", "--", "true"],
        ["record"],
        ["record", "--", "no-such-program"],
        ["replay", "--hub-cache", "hot", "--", "true"],
    ],
)
def test_wrong_usage_exits_with_2_and_no_traceback(suite, arguments):
    result = recordbake(*arguments, cwd=suite)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "usage" in result.stderr or "next:" in result.stderr
