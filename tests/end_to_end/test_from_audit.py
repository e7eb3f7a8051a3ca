"""The audit's verdict, followed: it fetches what was named, runs the tests concerned, mends all."""

from __future__ import annotations

import json
import shlex
import sqlite3
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recordbake.store import seal
from tests.support.cli import recordbake

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

SUITE = """
    import urllib.error, urllib.request, pytest

    def get(path):
        try:
            return urllib.request.urlopen(BASE + path, timeout=60).read()
        except urllib.error.HTTPError as error:
            return str(error.code).encode()

    @pytest.mark.parametrize("n", range(6))
    def test_fine(n):
        assert get(f"/fine/{n}")

    def test_photo(): assert get("/photo.jpg")
    def test_changing(): assert get("/changing")
    def test_aged(): assert get("/aged")
    def test_used_to_be(): assert get("/used-to-be")
"""
NEW_TEST = """
    def test_new(): assert get("/moved")
"""
JPEG = b"\xff\xd8\xff\xe0 not much of a photo"


class Site(ThreadingHTTPServer):
    """A site whose answers a test may change; remembers what it was asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        self.photo = JPEG
        self.version = "1"
        self.failing = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, path):
        """Status, headers, body."""
        if path == "/photo.jpg":
            return 200, {"Content-Type": "image/jpeg"}, self.photo
        if path == "/changing":
            return 200, {"ETag": f'"{self.version}"'}, self.version.encode()
        if path == "/used-to-be" and self.failing:
            return 404, {}, b"no"
        if path == "/moved":
            return 302, {"Location": f"http://localhost:{self.server_port}/new"}, b""
        return 200, {}, path.encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, fields, body = self.server.answer(self.path)
        if fields.get("ETag") and self.headers.get("If-None-Match") == fields["ETag"]:
            status, body = 304, b""
        else:
            self.server.seen.append(self.path)
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def site():
    with Site() as made:
        yield made
        made.shutdown()


def suite(where, site, text):
    base = f"BASE = 'http://localhost:{site.server_port}'\n"
    (where / "test_suite.py").write_text(base + textwrap.dedent(text))


def audited(where, *options):
    done = recordbake("audit", *options, cwd=where, env=CAPTURE)
    assert done.returncode == 0, done.stderr
    return json.loads((where / "reports" / "audit.json").read_text())


def kinds(report):
    return sorted(finding["kind"] for finding in report["findings"])


def record(where, *arguments):
    return recordbake("record", *arguments, "--", *PYTEST, cwd=where, env=CAPTURE)


def replay(where, *options):
    return recordbake("replay", *options, "--", *PYTEST, cwd=where, env=CAPTURE)


def test_following_the_verdict_fetches_what_was_named_and_makes_the_next_audit_clean(
    tmp_path, site
):
    suite(tmp_path, site, SUITE)
    assert record(tmp_path).returncode == 0
    site.photo, site.failing = b"<!doctype html><title>Sign in</title>", True
    assert record(tmp_path).returncode == 0
    site.photo, site.failing, site.version = JPEG, False, "2"
    store = tmp_path / ".recordbake" / "http_cache" / "requests_cache.sqlite"
    with sqlite3.connect(store) as connection:
        connection.execute(
            "UPDATE entries SET recorded_at = recorded_at - 90 * 86400 WHERE url LIKE '%/aged'"
        )
        seal(connection)
    suite(tmp_path, site, SUITE + NEW_TEST)
    assert replay(tmp_path, "--strict").returncode == 10

    site.seen.clear()
    found = audited(tmp_path, "--revalidate")
    assert kinds(found) == ["error-kept", "live-miss", "stale", "stale-upstream", "suspicious-200"]
    assert site.seen == ["/changing"]  # revalidated; nothing else could be
    verdict = found["verdict"]
    assert verdict["decision"] == "re-record these"
    assert verdict["tests"] == [
        f"test_suite.py::test_{name}" for name in ("aged", "changing", "new", "photo", "used_to_be")
    ]

    site.seen.clear()
    words = shlex.split(verdict["command"])
    assert words[:3] == ["recordbake", "record", "--from-audit"]
    done = recordbake(*words[1:], cwd=tmp_path, env=CAPTURE)
    assert done.returncode == 0, done.stderr
    assert "5 passed, 6 deselected" in done.stdout
    assert sorted(site.seen) == [
        "/aged",
        "/changing",
        "/moved",
        "/new",
        "/photo.jpg",
        "/used-to-be",
    ]

    clean = audited(tmp_path, "--revalidate")
    assert (kinds(clean), clean["verdict"]["decision"]) == ([], "keep")
    assert replay(tmp_path, "--strict").returncode == 0
    assert kinds(audited(tmp_path)) == []

    site.seen.clear()
    again = record(tmp_path, "--from-audit", "reports/audit.json")
    assert (again.returncode, site.seen) == (0, [])
    assert "nothing to record" in again.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("{", "not JSON"),
        ('{"v": 99}', "version 99"),
        ('{"v": 1, "verdict": {"decision": "keep"}}', "does not say what to record"),
    ],
)
def test_an_audit_that_cannot_be_followed_is_an_error_for_people(tmp_path, text, says):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    done = record(tmp_path, "--from-audit", "a.json")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".recordbake").exists()
