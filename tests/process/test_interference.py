"""Suites that bend Python itself: a recording and its replay work as without recordbake."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap

import pytest

from tests.support.cli import clean_environ, recordbake
from tests.support.environments import python_with
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
SUITE = """
import asyncio, subprocess, sys, threading, urllib.request
import httpx, requests

BASE = "{url}"

def test_sync():
    assert requests.get(BASE + "/text?requests", timeout=20).status_code == 200
    with urllib.request.urlopen(BASE + "/gzip") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(answer.read()) > 10
    with httpx.Client() as client:
        assert client.get(BASE + "/large").read()

def test_async():
    async def main():
        async with httpx.AsyncClient() as client:
            answers = await asyncio.gather(*(client.get(BASE + f"/a{n}") for n in range(5)))
        assert [a.text for a in answers] == [f"/a{n}" for n in range(5)]
    asyncio.run(main())

def test_threads():
    seen = []
    def work(n):
        seen.append(requests.get(BASE + f"/t{n}", timeout=20).text)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert sorted(seen) == [f"/t{n}" for n in range(4)]

def test_child():
    code = "import urllib.request as u; print(u.urlopen('{url}/child').read().decode())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == ["/child"], run.stderr

def test_error():
    answer = requests.get(BASE + "/missing", timeout=20)
    assert answer.status_code == 404
"""
FROZEN = """
import datetime, time
import requests, pytest
freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")

@freezegun.freeze_time("1999-12-31")
def test_frozen():
    assert requests.get("{url}/frozen", timeout=20).text == "/frozen"
    assert datetime.date.today().year == 1999

@time_machine.travel(datetime.datetime(2055, 1, 1))
def test_travelled():
    assert requests.get("{url}/travelled", timeout=20).text == "/travelled"
    assert time.gmtime().tm_year == 2055
"""
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
MAIN = "import sys, pytest; sys.exit(pytest.main(['-q', *sys.argv[1:]]))"
WAYS = {
    # Live, it has threads that resolve names, of which Python 3.12 and later warns at a fork.
    "gevent": ["-c", f"from gevent import monkey; monkey.patch_all(); {MAIN}",
               "-W", "ignore:This process:DeprecationWarning"],
    "eventlet": ["-c", f"import eventlet; eventlet.monkey_patch(); {MAIN}"],
    "uvloop": ["-c", f"import uvloop; uvloop.install(); {MAIN}"],
    "coverage": ["-m", "coverage", "run", "--parallel-mode", "--branch", *PYTEST],
    "timeouts by signal": [*PYTEST, "--timeout", "60", "--timeout-method", "signal"],
    "timeouts by thread": [*PYTEST, "--timeout", "60", "--timeout-method", "thread"],
    "xdist": [*PYTEST, "-n", "3"],
    # The debugger of Python 3.13.0 takes no options of a module's.
    "debugger, development mode": ["-X", "dev", "-m", "pdb", "-c", "continue", "-m", "pytest"],
}  # fmt: skip
PLUGINS = ("gevent", "eventlet", "uvloop", "coverage", "pytest-timeout", "pytest-xdist",
           "freezegun", "time-machine")  # fmt: skip
ENVIRONMENTS = {
    "strict": {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "TZ": "Asia/Kathmandu"},
    "old": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "PYTHONDONTWRITEBYTECODE": "1"},
}  # fmt: skip


@pytest.fixture(scope="module")
def python():
    return python_with("pytest", "requests", "httpx", *PLUGINS)


@pytest.fixture
def project(tmp_path):
    def make(origin, where=tmp_path):
        for name, text in (("test_suite", SUITE), ("test_frozen", FROZEN)):
            content = textwrap.dedent(text).replace("{url}", origin.url)
            (where / f"{name}.py").write_text(content)
        return where

    return make


def outcome(text):
    """pytest's last line without its time."""
    lines = [line for line in text.splitlines() if " passed" in line or " failed" in line]
    return lines[-1].partition(" in ")[0].strip("= ") if lines else text


def all_three(where, origin, command, env=None):
    """Run live, recording, and in a strict replay with the server gone."""
    environ = clean_environ(**(env or {}))
    live = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert live.returncode == 0, live.stdout + live.stderr
    recorded = recordbake("record", "--", *command, cwd=where, env=CAPTURE | (env or {}))
    origin.close()
    replayed = recordbake(
        "replay", "--strict", "--", *command, cwd=where, env=CAPTURE | (env or {})
    )
    for result in (recorded, replayed):
        assert result.returncode == 0, result.stdout + result.stderr
        assert outcome(result.stdout) == outcome(live.stdout)
        assert "Traceback" not in result.stderr
    (journal,) = where.glob(".recordbake/runs/*strict*/http_log.ndjson")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    outcomes = [e["outcome"] for e in events if e["event"] == "request"]
    assert outcomes.count("hit") == len(outcomes) > 8
    return live, recorded, replayed


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_run_a_suite(python, project, way):
    with Origin() as origin:
        where = project(origin)
        all_three(where, origin, [str(python), *WAYS[way]])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments(python, project, name):
    with Origin() as origin:
        where = project(origin)
        command = [str(python), *PYTEST, "test_suite.py"]
        all_three(where, origin, command, ENVIRONMENTS[name])


def test_forked(project):
    python = python_with("pytest==7.*", "requests", "httpx", "pytest-forked")
    with Origin() as origin:
        where = project(origin)
        all_three(where, origin, [str(python), *PYTEST, "--forked", "test_suite.py"])


@pytest.mark.parametrize("name", [b"a'b\"c$d%20 \n e", b"not-utf-8-\xff\xfe"])
def test_directories(python, project, tmp_path, name):
    where = tmp_path / os.fsdecode(name)
    where.mkdir()
    with Origin() as origin:
        project(origin, where)
        all_three(where, origin, [str(python), *PYTEST, "test_suite.py"])


WITHOUT_STREAMS = """
import os, sys, urllib.request
assert None in (sys.stdin, sys.stdout, sys.stderr)
answers = [urllib.request.urlopen("{url}" + p).read() for p in ("/text", "/large")]
for descriptor in range(3):  # a library that writes there must not write into our files
    try:
        os.write(descriptor, b"noi" + b"se")
    except OSError:
        pass
open("sizes-" + os.environ["ROUND"], "w").write(str([len(a) for a in answers]))
"""


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams(tmp_path, closed):
    with Origin() as origin:
        script = shlex.quote(WITHOUT_STREAMS.replace("{url}", origin.url))
        command = ["sh", "-c", f"exec {shlex.quote(sys.executable)} -c {script} {closed}"]
        for verb in (("record",), ("replay", "--strict")):
            env = CAPTURE | {"ROUND": verb[0]}
            result = recordbake(*verb, "--", *command, cwd=tmp_path, env=env)
            assert result.returncode == 0, result.stdout + result.stderr
            origin.close()
        sizes = [(tmp_path / f"sizes-{name}").read_text() for name in ("record", "replay")]
        assert sizes == ["[900, 2097152]"] * 2
        for path in tmp_path.rglob(".recordbake/**/*"):
            assert not path.is_file() or b"noise" not in path.read_bytes()
