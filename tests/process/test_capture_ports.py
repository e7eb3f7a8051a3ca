"""Some loopback servers are captured, those that a suite starts itself are not."""

from __future__ import annotations

import sys

from tests.support.cli import recordbake
from tests.support.origin import Origin
from tests.support.programs import requests

# A suite's own server counts its answers: only it itself can know how many there were.
PROGRAM = """
import asyncio, http.client, http.server, os, threading, urllib.request
import aiohttp, httpx, requests, urllib3

class Own(http.server.BaseHTTPRequestHandler):
    count = 0
    def do_GET(self):
        Own.count += 1
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"o")
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Own)
threading.Thread(target=server.serve_forever, daemon=True).start()

async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()

async def with_httpx(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).text

def with_urllib3(url):
    return urllib3.PoolManager().request("GET", url).data.decode()

for url in (f"http://127.0.0.1:{server.server_port}/own", os.environ["ORIGIN"] + "/text"):
    print(urllib.request.urlopen(url).read().decode()[:1])
    print(requests.get(url, timeout=20).text[:1])
    print(with_urllib3(url)[:1])
    print(httpx.get(url).text[:1])
    print(asyncio.run(with_httpx(url))[:1])
    print(asyncio.run(with_aiohttp(url))[:1])
print(Own.count)
server.shutdown()
"""


def test_only_the_servers_at_the_named_ports_are_captured(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py"]
    with Origin() as origin:
        env = {
            "ORIGIN": origin.url,
            "RECORDBAKE_CAPTURE_PORTS": f"1, {origin.url.rpartition(':')[2]}",
        }
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=env)
    assert replayed.returncode == 0, replayed.stderr
    assert recorded.stdout == replayed.stdout
    assert replayed.stdout.split() == ["o"] * 6 + ["T"] * 6 + ["6"]
    for mode, outcome in (("record", "stored"), ("replay_strict", "hit")):
        made = requests(tmp_path, mode)
        assert [e["outcome"] for e in made if e["url"].endswith("/text")] == [outcome] * 6
        assert {e["outcome"] for e in made if e["url"].endswith("/own")} <= {"bypass"}


def test_a_port_counts_by_its_scheme_where_the_url_has_none(tmp_path):
    """Nobody listens there: what is recorded is the refusal, which a bypass does not record."""
    program = (
        "import http.client, urllib3\n"
        "for url in ('http://127.0.0.1/', 'http://127.0.0.1:1/'):\n"
        "    try: urllib3.PoolManager(retries=False).request('GET', url)\n"
        "    except urllib3.exceptions.HTTPError as error: print(type(error).__name__)\n"
    )
    recorded = recordbake(
        "record", "--allow-errors", "--", sys.executable, "-c", program,
        cwd=tmp_path, env={"RECORDBAKE_CAPTURE_PORTS": "80"},
    )  # fmt: skip
    assert recorded.stdout.split() == ["NewConnectionError"] * 2
    assert [e["url"] for e in requests(tmp_path, "record")] == ["http://127.0.0.1/"]
