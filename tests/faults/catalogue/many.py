"""Many processes, threads and tasks at once, and forks in the middle of it.

The server's count of requests is the journal's; each entry has its own URL's body; a strict replay
gives everybody the same; ``record --missing`` fetches nothing again.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

from recordbake.answers import check_answers
from recordbake.recording import Recording
from recordbake.store import check, connect_readonly
from tests.faults.fault import Fault
from tests.faults.processes import run
from tests.support.origin import LARGE, TEXT, Origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fault import Trial

PRELUDE = """
import hashlib, os, sys, threading
url = sys.argv[1]
MEDIUM = bytes(range(256)) * 8192
def right(path, body):
    wanted = MEDIUM[:500_000] if path.startswith("/medium") else path.partition("?")[0].encode()
    if body != wanted:
        os.write(1, f"wrong {path}\\n".encode())
        sys.exit(3)
    os.write(1, f"{path}\\n".encode())
def paths(who):
    return [f"/own-{who}-{n}" for n in range(6)] + [f"/same-{n}" for n in range(4)] + [
        f"/medium?{who}", "/medium?same"]
def threads(count, work):
    made = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for t in made: t.start()
    for t in made: t.join()
"""
PROGRAMS = {
    "8 processes by 4 threads, the same and different URLs": """
import subprocess, urllib.request, requests
if len(sys.argv) == 2:
    children = [subprocess.Popen([sys.executable, __file__, url, str(n)]) for n in range(8)]
    sys.exit(max([child.wait() for child in children]))
session = requests.Session()
def work(n):
    for number, path in enumerate(paths(f"{sys.argv[2]}-{n}")):
        if number % 2:
            right(path, session.get(url + path, timeout=60).content)
        else:
            right(path, urllib.request.urlopen(url + path, timeout=60).read())
threads(4, work)
""",
    "forks in the middle of threads": """
import requests
session = requests.Session()
forked, ready = threading.Event(), threading.Barrier(5)
def work(n):
    for number, path in enumerate(paths(f"parent-{n}")):
        if number == 4:  # nobody holds a lock that a child would miss
            ready.wait()
            forked.wait(60)
        right(path, session.get(url + path, timeout=60).content)
made = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in made: t.start()
children = []
ready.wait()
for child in range(4):
    if not (pid := os.fork()):
        own = requests.Session()
        for path in paths(f"child-{child}"):
            right(path, own.get(url + path, timeout=60).content)
        os._exit(0)
    children.append(pid)
forked.set()
for t in made: t.join()
sys.exit(any([os.waitpid(pid, 0)[1] for pid in children]))
""",
    "32 threads, one session": """
import httpx, requests
session, client = requests.Session(), httpx.Client(timeout=60)
def work(n):
    for number, path in enumerate(paths(n)):
        get = session.get if number % 2 else client.get
        right(path, get(url + path).content)
threads(32, work)
""",
    "500 tasks of aiohttp": """
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session:
        async def get(n):
            for path in (f"/own-{n}", f"/same-{n % 10}"):
                async with session.get(url + path) as answer:
                    right(path, await answer.read())
        await asyncio.gather(*map(get, range(500)))
asyncio.run(main())
""",
    "500 tasks of httpx": """
import asyncio, httpx
async def main():
    async with httpx.AsyncClient(timeout=120) as client:
        async def get(n):
            for path in (f"/own-{n}", f"/same-{n % 10}"):
                right(path, (await client.get(url + path)).content)
        await asyncio.gather(*map(get, range(500)))
asyncio.run(main())
""",
}


def _outcomes(where: Path, mode: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in where.glob(f".recordbake/runs/*Z-{mode}-*/http_log.ndjson"):
        events = map(json.loads, path.read_text().splitlines())
        found.update(e["outcome"] for e in events if e["event"] == "request")
    return found


def _look(trial: Trial, asked: list[str]) -> None:
    recording = Recording(trial.where / ".recordbake")
    check(recording.store)
    check_answers(recording.store, where=recording.store)
    bodies = {"/medium": LARGE[:500_000], "/text": TEXT}
    with closing(connect_readonly(recording.store)) as connection:
        rows = connection.execute("SELECT url, body_sha256, take FROM entries").fetchall()
    found = {}
    for row in rows:
        path = "/" + row["url"].split("/", 3)[3]
        trial.check(row["take"] == 0, f"{path} has two takes")
        body = bodies.get(path.partition("?")[0], path.encode())
        trial.check(row["body_sha256"] == sha256(body).hexdigest(), f"{path} has another's body")
        found[path] = row
    missing = {line.split()[1] for line in asked} - set(found)
    for path in sorted(missing):
        trial.lost(path)


def many(name: str) -> Callable[[Trial], None]:
    """Record a program that does much at once, replay it, and fetch what is missing."""

    def inject(trial: Trial) -> None:
        (trial.where / "program.py").write_text(PRELUDE + PROGRAMS[name])
        with Origin() as origin:
            words = ("--", sys.executable, "program.py", origin.url)
            recorded = run(trial.where, "record", *words)
            trial.check(recorded.returncode == 0, recorded.stderr[-2000:])
            asked = list(origin.requests)
            counted = _outcomes(trial.where, "record")
            trial.check(counted == {"stored": len(asked)},
                        f"the server counts {len(asked)}, the journal {counted}")  # fmt: skip
            said = Counter(recorded.stdout.split("\n"))
            again = run(trial.where, "record", "--missing", *words)
            trial.check(again.returncode == 0, again.stderr[-2000:])
            extra = len(origin.requests) - len(asked)
            trial.check(not extra, f"{extra} requests for what was not missing")
        _look(trial, asked)
        replayed = run(trial.where, "replay", "--strict", *words)
        trial.check(replayed.returncode == 0, replayed.stderr[-2000:])
        trial.check(Counter(replayed.stdout.split("\n")) == said, "the replay says something else")
        hits = _outcomes(trial.where, "replay_strict")
        trial.check(hits == {"hit": len(asked)}, f"{len(asked)} asked, the journal has {hits}")

    return inject


FAULTS = [Fault("Many", name, many(name), 5, int("tasks of h" not in name)) for name in PROGRAMS]
