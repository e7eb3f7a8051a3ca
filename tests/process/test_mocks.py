"""Mocks win: what they answer runs the same while recording and replaying, and is not ours."""

from __future__ import annotations

import json
import subprocess
import textwrap

import pytest

from tests.support.cli import clean_environ, recordbake
from tests.support.environments import python_with
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
URL = "http://mocked.invalid/x"
PACKAGES = (
    "pytest", "requests", "httpx", "aiohttp<3.13", "responses", "requests-mock", "respx",
    "aioresponses", "pytest-httpx", "vcrpy",
)  # fmt: skip

CASSETTE = f"""\
interactions:
- request: {{body: null, headers: {{}}, method: GET, uri: '{URL}'}}
  response:
    body: {{string: mocked}}
    headers: {{Content-Type: [text/plain]}}
    status: {{code: 200, message: OK}}
version: 1
"""

#: Mock library -> a test with it; each sees ``mocked`` without a server.
MOCKS = {
    "responses": """
        import requests, responses
        @responses.activate
        def test_it():
            responses.get(URL, body="mocked")
            assert requests.get(URL).text == "mocked"
            assert len(responses.calls) == 1
        """,
    "requests-mock": """
        import requests
        def test_it(requests_mock):
            requests_mock.get(URL, text="mocked")
            assert requests.get(URL).text == "mocked"
        """,
    "respx": """
        import httpx, respx
        @respx.mock
        def test_it():
            route = respx.get(URL).respond(text="mocked")
            assert httpx.get(URL).text == "mocked"
            assert route.called
        """,
    "pytest-httpx": """
        import httpx
        def test_it(httpx_mock):
            httpx_mock.add_response(url=URL, text="mocked")
            assert httpx.get(URL).text == "mocked"
        """,
    "aioresponses": """
        import asyncio, aiohttp
        from aioresponses import aioresponses
        def test_it():
            async def fetch():
                async with aiohttp.ClientSession() as session, session.get(URL) as r:
                    return await r.text()
            with aioresponses() as mocked:
                mocked.get(URL, body="mocked")
                assert asyncio.run(fetch()) == "mocked"
        """,
    "vcrpy-requests": """
        import requests, vcr
        def test_it():
            with vcr.use_cassette("cassette.yaml", record_mode="none") as cassette:
                assert requests.get(URL).text == "mocked"
            assert cassette.play_count == 1
        """,
    "vcrpy-httpx": """
        import httpx, vcr
        def test_it():
            with vcr.use_cassette("cassette.yaml", record_mode="none") as cassette:
                assert httpx.get(URL).text == "mocked"
            assert cassette.play_count == 1
        """,
    "MockTransport": """
        import httpx
        def test_it():
            transport = httpx.MockTransport(lambda request: httpx.Response(200, text="mocked"))
            with httpx.Client(transport=transport) as client:
                assert client.get(URL).text == "mocked"
        """,
    "ASGITransport": """
        import asyncio, httpx
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"mocked"})
        def test_it():
            async def fetch():
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                    return (await client.get(URL)).text
            assert asyncio.run(fetch()) == "mocked"
        """,
    "WSGITransport": """
        import httpx
        def app(environ, start_response):
            start_response("200 OK", [])
            return [b"mocked"]
        def test_it():
            with httpx.Client(transport=httpx.WSGITransport(app)) as client:
                assert client.get(URL).text == "mocked"
        """,
    "unittest-mock": """
        from unittest import mock
        import requests
        def test_it():
            with mock.patch.object(requests.Session, "get") as get:
                get.return_value.text = "mocked"
                assert requests.Session().get(URL).text == "mocked"
            with mock.patch("urllib.request.urlopen") as urlopen:
                urlopen.return_value.read.return_value = b"mocked"
                import urllib.request
                assert urllib.request.urlopen(URL).read() == b"mocked"
        """,
}
#: Beside each mock one request goes to the server, before and after it.
REAL = """
import os, urllib.request
def test_real_before():
    with urllib.request.urlopen(os.environ["ORIGIN"] + "/text") as response:
        assert response.read()
{mocked}
def test_real_after():
    import requests, httpx
    assert requests.get(os.environ["ORIGIN"] + "/echo").status_code == 201
    assert httpx.get(os.environ["ORIGIN"] + "/echo").status_code == 201
"""


def passed(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return {line.partition(" ")[2] for line in result.stdout.splitlines()
            if line.startswith("PASSED ")}  # fmt: skip


def requests_of(directory, mode):
    """(test, outcome, path) of each request that was journalled."""
    (journal,) = directory.glob(f".recordbake/runs/*-{mode}-*/http_log.ndjson")
    events = map(json.loads, journal.read_text().splitlines())
    return [(e["test"], e["outcome"], e["url"]) for e in events if e["event"] == "request"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One suite of all mocks: the tests that passed live, recording and replaying, and journals."""
    where = tmp_path_factory.mktemp("mocks")
    for name, code in MOCKS.items():
        mocked = f"URL = {URL!r}\n" + textwrap.dedent(code)
        (where / f"test_{name}.py").write_text(REAL.format(mocked=mocked))
    (where / "cassette.yaml").write_text(CASSETTE)
    command = [str(python_with(*PACKAGES)), "-m", "pytest", "-rA", "-p", "no:cacheprovider"]
    with Origin() as origin:
        env = CAPTURE | {"ORIGIN": origin.url}
        live = subprocess.run(
            command,
            cwd=where,
            env=clean_environ(**env),
            capture_output=True,
            text=True,
            check=False,
        )
        recorded = recordbake("record", "--", *command, cwd=where, env=env)
    replayed = recordbake("replay", "--strict", "--", *command, cwd=where, env=env)
    tests = [passed(result) for result in (live, recorded, replayed)]
    return origin.url, tests, requests_of(where, "record"), requests_of(where, "replay_strict")


@pytest.mark.network_install
@pytest.mark.parametrize("mock", MOCKS)
def test_a_mocked_suite(runs, mock):
    origin, tests, recorded, replayed = runs
    name = f"test_{mock}.py"
    names = {f"{name}::test_{n}" for n in ("it", "real_before", "real_after")}
    assert all(names <= ran for ran in tests)
    for events, outcome in ((recorded, "stored"), (replayed, "hit")):
        expected = [(f"{name}::test_real_before", outcome, f"{origin}/text")]
        expected += [(f"{name}::test_real_after", outcome, f"{origin}/echo")] * 2
        assert [event for event in events if event[0].startswith(name)] == expected
