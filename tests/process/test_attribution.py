"""Every event carries the test that caused it, and its phase."""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
GET = """
import urllib.request
def get(path):
    return urllib.request.urlopen(BASE + path).read().decode()
"""


@pytest.fixture
def run(tmp_path):
    """Records a suite given as text; returns its journal's events."""
    with Origin() as origin:

        def run(text, *command, name="test_suite.py", env=None):
            source = f"BASE = {origin.url!r}\n{GET}\n{textwrap.dedent(text)}"
            (tmp_path / name).write_text(source)
            environ = CAPTURE | (env or {})
            result = recordbake("record", "--", *(command or PYTEST), cwd=tmp_path, env=environ)
            assert result.returncode == 0, result.stdout + result.stderr
            (journal,) = tmp_path.glob(".recordbake/runs/*/http_log.ndjson")
            return [json.loads(line) for line in journal.read_text().splitlines()]

        yield run


def causes(events):
    """Path of each request -> (test without its module, phase)."""
    return {
        e["url"].rpartition("/")[2]: ((e["test"] or "").rpartition("::")[2], e["phase"])
        for e in events
        if e["event"] == "request"
    }


def test_a_thousand_parametrised_tests_under_xdist(run):
    events = run(
        """
        import threading, pytest
        @pytest.fixture(autouse=True)
        def around(request, n):
            get(f"/setup-{n}")
            yield
            get(f"/teardown-{n}")
        @pytest.mark.parametrize("n", range(1000))
        def test(n):
            get(f"/call-{n}")
            if n % 10 == 0:
                thread = threading.Thread(target=get, args=[f"/thread-{n}"])
                thread.start()
                thread.join()
        """,
        *PYTEST, "-n", "2",
    )  # fmt: skip
    requests = [e for e in events if e["event"] == "request"]
    assert Counter(e["phase"] for e in requests) == {"setup": 1000, "call": 1100, "teardown": 1000}
    for event in requests:
        phase, _, n = event["url"].rpartition("/")[2].partition("-")
        assert event["test"] == f"test_suite.py::test[{n}]"
        assert event["phase"] == phase.replace("thread", "call")
    assert {e["worker"] for e in requests} == {"gw0", "gw1"}


def test_phases_and_fixtures_of_wider_scope(run):
    found = causes(run("""
        import pytest
        @pytest.fixture(scope="session")
        def shared():
            get("/session-setup")
            yield
            get("/session-teardown")
        def test_one(shared): get("/one")
        @pytest.mark.parametrize("x", ["a (b)"])
        def test_two(shared, x): get("/two")
        """))  # fmt: skip
    assert found == {
        "session-setup": ("test_one", "setup"),
        "one": ("test_one", "call"),
        "two": ("test_two[a (b)]", "call"),
        "session-teardown": ("test_two[a (b)]", "teardown"),
    }


def test_what_a_test_started_belongs_to_it_even_while_another_runs(run):
    found = causes(run("""
        import asyncio, concurrent.futures, threading
        go, done = threading.Event(), threading.Event()
        loop = asyncio.new_event_loop()
        pool = concurrent.futures.ThreadPoolExecutor(1)
        later = {}
        def late():
            go.wait(30)
            get("/thread-of-one")
            done.set()
        async def task(path, gate):
            await gate.wait()
            get(path)
        async def start():
            later["gate"] = asyncio.Event()
            later["task"] = asyncio.ensure_future(task("/task-of-one", later["gate"]))
        async def finish():
            later["gate"].set()
            await later["task"]
        def test_one():
            threading.Thread(target=late).start()
            pool.submit(get, "/pool-of-one").result()
            loop.run_until_complete(start())
        def test_two():
            pool.submit(get, "/pool-of-two").result()
            go.set()
            done.wait(30)
            loop.run_until_complete(finish())
            get("/two")
        """))  # fmt: skip
    assert found == {
        "thread-of-one": ("test_one", "call"),
        "task-of-one": ("test_one", "call"),
        "pool-of-one": ("test_one", "call"),
        "pool-of-two": ("test_two", "call"),
        "two": ("test_two", "call"),
    }


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.Runner is new in Python 3.11")
def test_a_runner_that_tests_share_runs_each_ones_own(run):
    found = causes(run("""
        import asyncio, pytest
        @pytest.fixture(scope="session")
        def runner():
            with asyncio.Runner() as runner:
                runner.get_loop()
                yield runner
        async def fetch(path): get(path)
        def test_one(runner): runner.run(fetch("/one"))
        def test_two(runner): runner.run(fetch("/two"))
        """))  # fmt: skip
    assert found == {"one": ("test_one", "call"), "two": ("test_two", "call")}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tests_and_fixtures_in_anyios_one_task(run, backend):
    found = causes(run(f"""
        import pytest
        @pytest.fixture(scope="module")
        def anyio_backend(): return "{backend}"
        @pytest.fixture(scope="module")
        async def shared(anyio_backend):
            get("/shared")
            yield
            get("/shared-end")
        @pytest.fixture
        async def own(anyio_backend, request): get("/own-" + request.node.name)
        @pytest.mark.anyio
        async def test_one(shared, own): get("/one")
        @pytest.mark.anyio
        async def test_two(shared, own): get("/two")
        """))  # fmt: skip
    assert found == {
        "shared": ("test_one", "setup"),
        "own-test_one": ("test_one", "setup"),
        "one": ("test_one", "call"),
        "own-test_two": ("test_two", "setup"),
        "two": ("test_two", "call"),
        "shared-end": ("test_two", "teardown"),
    }


def test_processes_that_a_test_starts_inherit_it(run):
    found = causes(run("""
        import multiprocessing, os, subprocess, sys
        CHILD = "import urllib.request; urllib.request.urlopen('%s')"
        def test_one():
            subprocess.run([sys.executable, "-c", CHILD % (BASE + "/child")], check=True)
        def test_two():
            process = multiprocessing.get_context("fork").Process(target=get, args=["/fork"])
            process.start()
            process.join()
        def test_three():
            kept = dict(os.environ)
            os.environ.clear()
            try:
                get("/cleared")
            finally:
                os.environ.update(kept)
        """))  # fmt: skip
    assert found == {
        "child": ("test_one", "call"),
        "fork": ("test_two", "call"),
        "cleared": ("test_three", "call"),
    }


def test_unittest(run):
    events = run(
        """
        import subprocess, sys, unittest
        CHILD = "import urllib.request; urllib.request.urlopen('%s')"
        class Case(unittest.TestCase):
            @classmethod
            def setUpClass(cls): get("/class")
            def setUp(self): get("/setup-" + self._testMethodName)
            def tearDown(self): get("/teardown-" + self._testMethodName)
            def test_one(self): get("/one")
            def test_two(self):
                subprocess.run([sys.executable, "-c", CHILD % (BASE + "/child")], check=True)
            @unittest.skip("no")
            def test_three(self): pass
        """,
        sys.executable, "-m", "unittest", "suite", name="suite.py",
    )  # fmt: skip
    cases = {name: f"suite.Case.test_{name}" for name in ("one", "two", "three")}
    assert causes(events) == {
        "class": (cases["one"], "setup"),
        "setup-test_one": (cases["one"], "setup"),
        "one": (cases["one"], "call"),
        "teardown-test_one": (cases["one"], "teardown"),
        "setup-test_two": (cases["two"], "setup"),
        "child": (cases["two"], "call"),
        "teardown-test_two": (cases["two"], "teardown"),
    }
    ended = {e["test"]: e["outcome"] for e in events if e["event"] == "test"}
    assert ended == {cases["one"]: "passed", cases["two"]: "passed", cases["three"]: "skipped"}


def test_unittest_cases_under_pytest_are_pytests(run):
    found = causes(run("""
        import unittest
        class TestCase(unittest.TestCase):
            def test_one(self): get("/one")
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self): get("/async-setup")
            async def test_two(self): get("/two")
        """))  # fmt: skip
    assert found == {
        "one": ("test_one", "call"),
        "async-setup": ("test_two", "call"),  # pytest calls it with the test
        "two": ("test_two", "call"),
    }


def test_anything_else_names_its_test_itself(run):
    text = "get('/script')"
    found = causes(run(text, sys.executable, "script.py", name="script.py",
                       env={"RECORDBAKE_TEST": "nightly"}))  # fmt: skip
    assert found == {"script": ("nightly", None)}


def test_work_of_a_pool_of_threads_belongs_to_who_gives_it(run):
    found = causes(run("""
        from multiprocessing.pool import ThreadPool
        import pytest
        @pytest.fixture(scope="session")
        def pool():
            with ThreadPool(1) as pool:
                yield pool
        def late(path):
            return get(path)
        def test_one(pool): pool.apply(get, ("/apply-of-one",))
        def test_two(pool):
            pool.apply_async(get, args=("/async-of-two",)).get(30)
            assert pool.map(late, ["/map-of-two"] * 3) == ["/map-of-two"] * 3
            pool.starmap(get, [("/starmap-of-two",)])
            with pytest.raises(TypeError, match="'int' object is not callable"):
                pool.apply(1)
        def test_three(pool):
            assert list(pool.imap(get, ["/imap-of-three"])) == ["/imap-of-three"]
            list(pool.imap_unordered(get, ["/unordered-of-three"], 2))
            def broken():
                yield "/before-of-three"
                raise ValueError("mine")
            with pytest.raises(ValueError, match="mine"):
                list(pool.imap(get, broken()))
        """))  # fmt: skip
    assert found == {
        path: (f"test_{path.rpartition('-')[2]}", "call")
        for path in (
            "apply-of-one", "async-of-two", "map-of-two", "starmap-of-two", "imap-of-three",
            "unordered-of-three", "before-of-three",
        )
    }  # fmt: skip
