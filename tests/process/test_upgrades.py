"""A request that is to become a WebSocket, or anything but HTTP: live or blocked, never kept."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.cli import recordbake
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
CLIENTS = {
    "httpx": """
import httpx
with httpx.stream("GET", "{url}/upgrade", headers=HEADERS) as answer:
    stream = answer.extensions["network_stream"]
    stream.write(b"hello")
    print(answer.status_code, stream.read(100))
""",
    "http.client": """
import http.client
connection = http.client.HTTPConnection("localhost", {port}, timeout=20)
connection.request("GET", "/upgrade", headers=HEADERS)
answer = connection.getresponse()
connection.sock.sendall(b"hello")
print(answer.status, connection.sock.recv(100))
""",
}


@pytest.mark.parametrize("client", CLIENTS)
def test_upgrades(client, tmp_path):
    with Origin() as origin:
        code = "HEADERS = {'Connection': 'Upgrade', 'Upgrade': 'echo'}" + CLIENTS[client]
        code = code.replace("{url}", origin.url).replace("{port}", str(origin.port))
        command = [sys.executable, "-c", code]
        recorded = recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
        assert recorded.stdout == "101 b'HELLO'\n", recorded.stderr
        assert "it asks for another protocol than HTTP" in recorded.stderr
        seen = len(origin.requests)
        replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=CAPTURE)
        assert len(origin.requests) == seen
    assert replayed.returncode == 10
    assert "WebSockets are not captured; name localhost in ignore_hosts" in replayed.stderr
    (journal,) = tmp_path.glob(".recordbake/runs/*-record-*/http_log.ndjson")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    asked = [e for e in events if e["event"] == "request"]
    assert [(e["outcome"], e["reason"]) for e in asked] == [("forwarded", "upgrade")]
