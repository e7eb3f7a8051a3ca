"""URLs with NUL and newline, header fields of 1 MB: a suite sees in a replay what it sees live."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from tests.support.cli import clean_environ, recordbake

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
HOSTILE = "a" * (1 << 20)


class _Answer(socketserver.StreamRequestHandler):
    def handle(self):
        head = b""
        while line := self.rfile.readline():
            head += line
            if line == b"\r\n":
                break
        fields = {
            b"/one": f"X-Long: {HOSTILE}\r\n",
            b"/many": "".join(f"X-{n}: {HOSTILE[: 1 << 14]}\r\n" for n in range(64)),
        }.get(head.split(b" ")[1] if head else b"", "")
        body = str(len(head)).encode()
        answer = f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {len(body)}\r\n"
        with suppress(ConnectionError):  # the client has seen enough
            self.wfile.write(answer.encode() + b"Connection: close\r\n\r\n" + body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


SUITE = """
import urllib.request, requests, httpx

def urllib_get(url, headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as r:
        return r.status, len(str(r.headers)), r.read()

def requests_get(url, headers):
    r = requests.get(url, headers=headers, timeout=20)
    return r.status_code, len(str(r.headers)), r.content

def httpx_get(url, headers):
    r = httpx.get(url, headers=headers, timeout=20)
    return r.status_code, len(str(r.headers)), r.content

SENT = [
    ("/nul\\0x", {}), ("/new\\nline", {}), ("/a\\r\\nX-Evil: 1", {}), ("/q?a=\\0&b=\\n", {}),
    ("/coded%00%0A%0D", {}), ("/field", {"X-A": "b\\r\\nX-Evil: 1"}), ("/field", {"X-A": "b\\0c"}),
    ("/sent", {"X-Long": "a" * (1 << 20)}), ("/one", {}), ("/many", {}),
]
for get in (urllib_get, requests_get, httpx_get):
    for path, headers in SENT:
        try:
            seen = get("URL" + path, headers)
        except Exception as error:
            seen = type(error).__module__, type(error).__qualname__
        print(get.__name__, repr(path), [v[:9] for v in headers.values()], seen)
"""


@pytest.fixture
def server():
    with _Server(("127.0.0.1", 0), _Answer) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def test_a_suite_sees_what_it_sees_live(server, tmp_path):
    url = f"http://127.0.0.1:{server.server_address[1]}"
    command = [sys.executable, "-c", SUITE.replace("URL", url)]
    live = subprocess.run(
        command, cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, check=True
    ).stdout
    assert live.count("\n") == 30
    assert live.count("(200") > 6  # not all are refused by the client
    recorded = recordbake("record", "--", *command, cwd=tmp_path, env=CAPTURE)
    assert recorded.stdout == live, recorded.stderr
    server.shutdown()
    server.server_close()
    replayed = recordbake("replay", "--strict", "--", *command, cwd=tmp_path, env=CAPTURE)
    assert replayed.stdout == live, replayed.stderr
    assert replayed.returncode == 0, replayed.stderr
    for journal in tmp_path.glob(".recordbake/runs/*/http_log.ndjson"):
        for line in journal.read_text().splitlines():
            event = json.loads(line)
            assert "\n" not in event.get("url", "")
            assert "\0" not in event.get("url", "")
    shown = recordbake("show", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "\nX-Evil" not in shown.stdout
    assert "\0" not in shown.stdout
