"""Many requests at once, over tasks, threads and processes: nothing lost, mixed or deadlocked."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}

#: Each prints ``ok`` once per request whose body is the path that was asked for.
PROGRAMS = {
    "50 tasks of httpx": (50, """
        import asyncio, httpx
        async def main():
            async with httpx.AsyncClient() as client:
                found = await asyncio.gather(*(client.get(f"{url}/{n}") for n in range(50)))
                check((r.text, n) for n, r in enumerate(found))
        asyncio.run(main())
        """),
    "50 tasks of aiohttp": (50, """
        import asyncio, aiohttp
        async def main():
            async with aiohttp.ClientSession() as session:
                async def get(n):
                    async with session.get(f"{url}/{n}") as r:
                        return await r.text(), n
                check(await asyncio.gather(*map(get, range(50))))
        asyncio.run(main())
        """),
    "threads sharing a session of requests": (80, """
        import requests
        from concurrent.futures import ThreadPoolExecutor
        session = requests.Session()
        with ThreadPoolExecutor(8) as pool:
            check(pool.map(lambda n: (session.get(f"{url}/{n}").text, n), range(80)))
        """),
    "threads sharing a client of httpx": (80, """
        import httpx
        from concurrent.futures import ThreadPoolExecutor
        with httpx.Client() as client, ThreadPoolExecutor(8) as pool:
            check(pool.map(lambda n: (client.get(f"{url}/{n}").text, n), range(80)))
        """),
    "children forked after the import": (21, """
        import os, requests
        check([(requests.get(url + "/0").text, 0)])
        sys.stdout.flush()
        children = []
        for child in range(4):
            if not (pid := os.fork()):
                check((requests.get(f"{url}/{n}").text, n) for n in range(child * 5, child * 5 + 5))
                sys.stdout.flush()
                os._exit(0)
            children.append(pid)
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
        """),
    "processes started by spawn": (12, """
        import multiprocessing, urllib.request
        def get(n):
            return urllib.request.urlopen(f"{url}/{n}").read().decode(), n
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(3) as pool:
                check(pool.map(get, range(12)))
                pool.close()
                pool.join()
        """),
}  # fmt: skip
PRELUDE = """
import os, sys
url = os.environ["ORIGIN"]
def check(pairs):
    for body, n in pairs:
        assert body == f"/{n}", (body, n)
        os.write(1, b"ok\\n")  # in one piece, whatever else writes
"""


def outcomes(tmp_path, mode):
    (journal,) = tmp_path.glob(f".recordbake/runs/*-{mode}-*/http_log.ndjson")
    events = map(json.loads, journal.read_text().splitlines())
    return [event["outcome"] for event in events if event["event"] == "request"]


def both(tmp_path, command):
    """Record, then replay strictly with the server gone."""
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env, timeout=120)
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env, timeout=120)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    return recorded, replayed


@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_arrives_where_it_was_asked_for(tmp_path, name):
    count, code = PROGRAMS[name]
    (tmp_path / "program.py").write_text(PRELUDE + textwrap.dedent(code))
    runs = both(tmp_path, [sys.executable, "program.py"])
    assert [run.stdout.split() for run in runs] == [["ok"] * count] * 2
    assert outcomes(tmp_path, "record") == ["stored"] * count
    assert outcomes(tmp_path, "replay_strict") == ["hit"] * count


def test_workers_of_xdist(tmp_path):
    code = """
        import os, pytest, httpx, requests
        @pytest.mark.parametrize("n", range(12))
        def test_it(n):
            path = f"/{n % 3}"
            for get in (requests.get, httpx.get):
                assert get(os.environ["ORIGIN"] + path).text == path
        """
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(code))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    assert all("12 passed" in run.stdout for run in both(tmp_path, command))
    assert outcomes(tmp_path, "record") == ["stored"] * 24
    assert outcomes(tmp_path, "replay_strict") == ["hit"] * 24
