"""A request that names this machine and goes through a proxy that is elsewhere leaves it."""

from __future__ import annotations

import sys

import pytest

from tests.support.cli import recordbake
from tests.support.programs import events

PROXY = "http://no-such-proxy.invalid:3128"
PROGRAM = """
import asyncio, os, urllib.request
import aiohttp, httpx, requests, urllib3

URL, PROXY = "http://127.0.0.1:9/a", "{proxy}"

async def with_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(URL, proxy=PROXY) as answer:
        return answer.status

async def with_httpx():
    async with httpx.AsyncClient(proxy=PROXY) as client:
        return (await client.get(URL)).status_code

def with_urllib():
    os.environ["http_proxy"] = PROXY
    try:
        return urllib.request.urlopen(URL).status
    finally:
        del os.environ["http_proxy"]

for ask in (
    lambda: requests.get(URL, proxies={{"http": PROXY}}),
    lambda: urllib3.ProxyManager(PROXY).request("GET", URL, retries=False),
    lambda: httpx.Client(proxy=PROXY).get(URL),
    lambda: asyncio.run(with_httpx()),
    lambda: asyncio.run(with_aiohttp()),
    with_urllib,
):
    try:
        print(ask())
    except Exception as error:
        print(type(error).__module__, type(error).__name__)
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(proxy=PROXY))
    return [sys.executable, "program.py"]


def test_what_a_proxy_elsewhere_failed_is_replayed_though_the_url_names_this_machine(
    tmp_path, command
):
    recorded = recordbake("record", "--allow-errors", "--", *command, cwd=tmp_path)
    assert recorded.returncode == 0, recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == recorded.stdout
    assert "Error" in recorded.stdout
    for mode, outcome in (("record", "failed"), ("replay_strict", "hit")):
        found = events(tmp_path, mode)
        assert [e["outcome"] for e in found if e["event"] == "request"] == [outcome] * 6
        assert not [e for e in found if e["event"] == "leak"]


def test_a_proxy_that_is_not_captured_is_left_alone(tmp_path, command):
    env = {"RECORDBAKE_IGNORE_HOSTS": "no-such-proxy.invalid"}
    recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr
    found = events(tmp_path, "record")
    assert {e["outcome"] for e in found if e["event"] == "request"} <= {"bypass"}
