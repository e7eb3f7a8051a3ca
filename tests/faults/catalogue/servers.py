"""Servers that misbehave while a suite is recorded, as three clients see them.

What the suite sees is as live, and the same in a strict replay with the servers gone. 429 and 503
that pass are asked again while recording. An entry that says nothing of a failure has what the
server would have said; the run's end names what is incomplete, and exits with 11.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from recordbake.answers import check_answers
from recordbake.recording import Recording
from recordbake.store import check
from tests.faults.fault import Fault
from tests.faults.misbehaving import PASSING, PATHS, Misbehaving, Ports
from tests.faults.processes import environ, run, sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.fault import Trial

PROGRAM = """
import asyncio, hashlib, json, sys, warnings
warnings.simplefilter("ignore")
which, urls = sys.argv[1], json.load(open("urls.json"))
def of_requests(url):
    import requests
    answer = requests.get(url, timeout=60)
    return answer.status_code, answer.content
def of_httpx(url):
    import httpx
    answer = httpx.get(url, timeout=60, follow_redirects=True)
    return answer.status_code, answer.content
def of_aiohttp(url):
    import aiohttp
    async def get():
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return answer.status, await answer.read()
    return asyncio.run(get())
for name, url in urls.items():
    try:
        status, body = globals()["of_" + which](url)
        seen = [status, len(body), hashlib.sha256(body).hexdigest()]
    except Exception as error:
        seen = []
        while error is not None:
            seen.append(f"{type(error).__module__}.{type(error).__qualname__}")
            error = error.__cause__
    print(json.dumps([name, seen]), flush=True)
"""


def _seen(output: str) -> dict[str, list[object]]:
    return dict(json.loads(line) for line in output.splitlines())


def _live(trial: Trial, client: str, **variables: str) -> dict[str, list[object]]:
    done = subprocess.run(
        [sys.executable, "program.py", client], cwd=trial.where, check=True, timeout=300,
        env=environ(trial.where, **variables), capture_output=True, text=True,
    )  # fmt: skip
    return _seen(done.stdout)


def servers(client: str) -> Callable[[Trial], None]:
    """One client and all manners of misbehaviour: live, recorded, replayed."""

    def inject(trial: Trial) -> None:
        (trial.where / "program.py").write_text(PROGRAM)
        with Ports(trial.where) as ports:
            trust = {"SSL_CERT_FILE": str(ports.ca), "REQUESTS_CA_BUNDLE": str(ports.ca)}
            with Misbehaving() as origin:
                urls = {path: origin.url + path for path in PATHS} | ports.urls
                names = sorted(urls)
                trial.chance.shuffle(names)
                shuffled = {name: urls[name] for name in names}
                (trial.where / "urls.json").write_text(json.dumps(shuffled))
                live = _live(trial, client, **trust)
                origin._counts.clear()
                words = ("--", sys.executable, "program.py", client)
                recorded = run(trial.where, "record", "--retry-max-wait", "1", *words, **trust)
        replayed = run(trial.where, "replay", "--strict", *words, **trust)
        trial.injected = len(urls)
        trial.check(not sound(recorded), sound(recorded))
        trial.check(recorded.returncode == 11, f"exit {recorded.returncode}: {recorded.stderr}")
        trial.check(replayed.returncode == 0, f"replay: {replayed.stderr[-3000:]}")
        seen, again = _seen(recorded.stdout), _seen(replayed.stdout)
        for name in urls:
            wanted = live[name]
            if name in PASSING:
                wanted = [200, 4, seen[name][-1]]
            trial.check(seen[name] == wanted, f"{name}: live {wanted}, recorded {seen[name]}")
            trial.check(again.get(name) == seen[name],
                        f"{name}: recorded {seen[name]}, replayed {again.get(name)}")  # fmt: skip
        _look(trial, live, urls)

    return inject


def _look(trial: Trial, live: dict[str, list[object]], urls: dict[str, str]) -> None:
    recording = Recording(trial.where / ".recordbake")
    check(recording.store)
    check_answers(recording.store, where=recording.store)
    (info,) = recording.path.glob("runs/*Z-record-*/run.json")
    named = {request["url"] for request in json.loads(info.read_text())["incomplete"]}
    for name, seen in live.items():
        bad = name not in PASSING and (seen[0] in (429, 502, 503) or "cut" in name
                                       or name.startswith(("/reset", "/trunc")))  # fmt: skip
        if bad and isinstance(seen[0], int) and seen[0] == 200:
            bad = False  # this client takes it for a whole answer
        if bad and not name.startswith(("/gzip",)):
            trial.check(urls[name] in named, f"{name} is not named as incomplete: {sorted(named)}")


CLIENTS = ("requests", "httpx", "aiohttp")
FAULTS = [
    Fault("Servers that misbehave", f"36 manners, seen by {client}", servers(client), 4, 1)
    for client in CLIENTS
]
