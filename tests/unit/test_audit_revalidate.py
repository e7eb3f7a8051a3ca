"""Revalidation: what is asked, how fast, what an answer means, and going on after a stop."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from recordbake.audit import revalidate as revalidation
from recordbake.audit.load import load
from recordbake.audit.revalidate import Question, questions, revalidate
from recordbake.audit.revisions import MovedRevision, moved_revisions
from tests.support.sample import T0, captured, make_recording


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        answers = self.server.answers[self.path]
        status, fields = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.seen, made.answers = [], {}
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def question(server, path, *answers, etag='"a"', modified=""):
    server.answers[path] = list(answers)
    url = f"http://127.0.0.1:{server.server_port}{path}"
    return Question(path, 0, url, "127.0.0.1", etag, modified, T0)


def ask(asked, notes, sleep=lambda seconds: None, **options):
    return {
        key: a.state for (key, _), a in revalidate(asked, notes, sleep=sleep, **options).items()
    }


def test_each_answer_has_its_meaning(server, tmp_path):
    modified = "Sat, 21 Nov 2026 10:00:00 GMT"
    asked = [
        question(server, "/same", (304, {})),
        question(server, "/ignores", (200, {"ETag": 'W/"a"'})),
        question(server, "/moved-on", (200, {"ETag": '"b"'})),
        question(server, "/dated", (200, {"Last-Modified": modified}), etag="", modified=modified),
        question(server, "/gone", (404, {})),
        question(server, "/denied", (403, {})),
        question(server, "/down", (503, {})),
    ]
    assert ask(asked, tmp_path / "n") == {
        "/same": "fresh", "/ignores": "fresh", "/moved-on": "changed", "/dated": "fresh",
        "/gone": "changed", "/denied": "unknown", "/down": "unknown",
    }  # fmt: skip
    sent = dict(server.seen)
    assert sent["/same"]["If-None-Match"] == '"a"'
    assert sent["/dated"]["If-Modified-Since"] == modified


def test_what_was_answered_is_not_asked_again_after_a_stop(server, tmp_path):
    asked = [question(server, f"/{n}", (304, {})) for n in range(3)]
    notes = tmp_path / "notes"
    ask(asked[:2], notes)
    with notes.open("a") as stream:
        stream.write('{"key": "/2", "ta')  # torn
    assert set(ask(asked, notes).values()) == {"fresh"}
    assert [path for path, _ in server.seen] == ["/0", "/1", "/2"]
    ask(asked, notes, keep_for=0)
    assert len(server.seen) == 6


def test_a_host_is_asked_no_faster_than_allowed_and_retry_after_is_honoured(server, tmp_path):
    asked = [question(server, f"/{n}", (304, {})) for n in range(3)]
    asked.append(question(server, "/busy", (429, {"Retry-After": "7"}), (304, {})))
    waits: list[float] = []
    states = ask(asked, tmp_path / "n", waits.append, per_second=0.001)
    assert states["/busy"] == "fresh"
    assert 7.0 in waits
    assert len([wait for wait in waits if wait > 900]) == 3  # before each but the first


def test_in_no_second_is_a_host_asked_more_often_than_allowed(server, tmp_path, monkeypatch):
    now, times = [100.0], []

    def sleep(seconds):
        now[0] += seconds

    def asked(session, question, *rest):
        times.append((question.host, now[0]))
        now[0] += 0.001  # what an answer takes
        return ask_it(session, question, *rest)

    ask_it = revalidation._ask
    monkeypatch.setattr(revalidation, "_ask", asked)
    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr("recordbake.audit.notes.time", clock)
    questions = [question(server, f"/{n}", (304, {})) for n in range(40)]
    hosts = ["a.org", "b.org", "b.org", "b.org"] * 10
    mixed = [replace(q, host=host) for q, host in zip(questions, hosts, strict=True)]
    assert set(ask(mixed, tmp_path / "n", sleep, per_second=10).values()) == {"fresh"}
    for host in set(hosts):
        at = [moment for name, moment in times if name == host]
        assert max(sum(a <= b < a + 1 - 1e-6 for b in at) for a in at) <= 10
    assert sum(moment < times[-1][1] for _, moment in times) == 39  # and all were asked


def test_a_server_that_is_not_there_is_unknown(tmp_path):
    asked = [Question("k", 0, "http://127.0.0.1:1/", "127.0.0.1", '"a"', "", T0)]
    assert ask(asked, tmp_path / "n") == {"k": "unknown"}


def test_only_what_can_be_asked_is_asked(tmp_path):
    tagged = [("ETag", '"a"'), ("Content-Type", "text/plain")]
    entries = [
        captured("https://h/tagged", headers=tagged),
        captured("https://h/plain"),
        captured("https://h/signed?token=x", headers=tagged),
        captured("https://h/posted", headers=tagged, method="POST"),
        captured("https://h/missing", headers=tagged, status=404),
    ]
    loaded = load(make_recording(tmp_path, entries))
    assert [q.url for q in questions(loaded.entries)] == ["https://h/tagged"]


class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        commit = {"/api/models/o/moved/revision/main": "b" * 40}.get(self.path, "a" * 40)
        body = json.dumps({"_id": "x", "id": "o/r", "sha": commit, "siblings": []}).encode()
        self.send_response(200 if "/gone/" not in self.path else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_hub_revisions_that_have_moved_are_told_no_faster_than_allowed_and_asked_once(tmp_path):
    for name in ("moved", "still", "gone"):
        repo = tmp_path / f"models--o--{name}"
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text("a" * 40)
        snapshot = repo / "snapshots" / ("a" * 40)
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
    notes, waits = tmp_path / "notes", []

    def told(directories):
        endpoint = f"http://127.0.0.1:{server.server_port}"
        return moved_revisions(
            directories, notes, endpoint=endpoint, per_second=0.001, sleep=waits.append
        )

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        expected = [MovedRevision("model", "o/moved", "main", "a" * 40, "b" * 40)]
        assert told([tmp_path, tmp_path]) == expected
        assert len(server.seen) == 3, "a repository of two caches is asked for once"
        assert len([wait for wait in waits if wait > 900]) == 2  # before each but the first
        assert told([tmp_path]) == expected
        server.shutdown()
    assert server.seen[3:] == ["/api/models/o/gone/revision/main"], "the others are noted"
    assert told([tmp_path / "none"]) == []
