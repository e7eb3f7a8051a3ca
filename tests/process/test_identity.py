"""An answer to a request with credentials is not one to a request without, nor the other way."""

from __future__ import annotations

import sys
import textwrap

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin
from tests.support.programs import CAPTURE, requests

#: Client -> code that defines ``get(url, headers)``, which returns a status.
CLIENTS = {
    "requests": """
        import requests
        def get(url, headers):
            return requests.get(url, headers=headers).status_code
        """,
    "urllib.request": """
        import urllib.request
        def get(url, headers):
            return urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status
        """,
    "httpx": """
        import httpx
        def get(url, headers):
            return httpx.get(url, headers=headers).status_code
        """,
    "aiohttp": """
        import aiohttp, asyncio
        def get(url, headers):
            async def fetch():
                async with aiohttp.ClientSession() as session:
                    async with session.get(url, headers=headers) as answer:
                        return answer.status
            return asyncio.run(fetch())
        """,
}
ASK = """
import os, sys
KINDS = {
    "none": {}, "other": {"Authorization": "Bearer s3cr3t-other"},
    "bearer": {"Authorization": "Bearer s3cr3t-1"}, "cookie": {"Cookie": "sid=s3cr3t-2"},
    "key": {"X-Api-Key": "s3cr3t-3"},
}
for at, kind in (words.split("=") for words in sys.argv[1:]):
    try:
        print(at, kind, get(os.environ["ORIGIN"] + "/" + at, KINDS[kind]))
    except Exception as error:
        print(at, kind, "blocked" if "recordbake blocked" in str(error) else repr(error))
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_gets_what_was_answered_to_somebody_else(tmp_path, client):
    (tmp_path / "program.py").write_text(textwrap.dedent(CLIENTS[client]) + ASK)
    command = [sys.executable, "program.py"]
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        kinds = ["a=none", "b=bearer", "c=cookie", "d=key"]
        recorded = recordbake("record", "--", *command, *kinds, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr
    asked = {
        "a=none": "200", "a=bearer": "blocked", "a=cookie": "blocked", "a=key": "blocked",
        "b=bearer": "200", "b=other": "200", "b=none": "blocked", "b=cookie": "blocked",
        "c=cookie": "200", "c=none": "blocked", "c=bearer": "blocked",
        "d=key": "200", "d=none": "blocked",
    }  # fmt: skip
    replayed = recordbake("replay", "--strict", "--", *command, *asked, cwd=tmp_path, env=env)
    assert replayed.returncode == 10
    lines = [line.rpartition(" ") for line in replayed.stdout.splitlines()]
    assert {at.replace(" ", "="): what for at, _, what in lines} == asked
    outcomes = {"200": "hit", "blocked": "blocked"}
    made = [event["outcome"] for event in requests(tmp_path, "replay_strict")]
    assert made == [outcomes[what] for what in asked.values()]
    for path in (tmp_path / ".recordbake").rglob("*"):
        assert path.is_dir() or b"s3cr3t" not in path.read_bytes(), path
