"""``audit --revalidate`` as people run it: a bar on their terminal, Ctrl-C, and going on."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.cli import recordbake
from tests.support.sample import captured, make_recording
from tests.support.terminal import Terminal

COMMAND = ["audit", "--revalidate", "--revalidate-rate", "1000"]
ENTRIES, SLOW, STUCK = 9, 3, 6  # the third answer takes a while, the sixth does not come


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        number = len(self.server.asked)
        if number == SLOW:
            time.sleep(1.2)  # a bar is shown after a second
        if number == STUCK:
            self.server.stuck.set()
            self.server.go.wait(60)
        self.send_response(304)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.asked, made.stuck, made.go = [], threading.Event(), threading.Event()
        threading.Thread(target=made.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{made.server_port}"
        entries = [captured(f"{base}/{n}", headers=[("ETag", f'"{n}"')]) for n in range(ENTRIES)]
        make_recording(tmp_path / ".recordbake", entries)
        yield made
        made.go.set()
        made.shutdown()


def test_ctrl_c_in_the_middle_and_what_was_answered_is_not_asked_again(server, tmp_path):
    shown = Terminal([sys.executable, "-m", "recordbake", *COMMAND], tmp_path)
    shown.read_until(rf"revalidating.*[3-5]/{ENTRIES}")
    assert server.stuck.wait(60)
    shown.type("\x03")  # the terminal makes it SIGINT
    code, text = shown.finish()
    assert code == 130, text
    assert "Traceback" not in text
    assert not (tmp_path / "reports" / "audit.json").exists()
    answered = server.asked[: STUCK - 1]
    assert len((tmp_path / "reports" / "revalidation.ndjson").read_text().splitlines()) == STUCK - 1
    server.go.set()
    done = recordbake(*COMMAND, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"revalidated {ENTRIES} entries" in done.stderr
    assert f"{ENTRIES} fresh" in done.stderr
    asked = Counter(server.asked)
    assert len(asked) == ENTRIES
    assert {path: number for path, number in asked.items() if number > 1} == {
        server.asked[STUCK - 1]: 2  # asked, and never answered
    }
    assert all(asked[path] == 1 for path in answered)
