"""Each kind of finding planted once in a real suite: all are found, and the verdict mends them."""

from __future__ import annotations

import json
import shlex
import sqlite3
import textwrap
from contextlib import closing

import pytest

from recordbake.store import seal
from tests.end_to_end.test_from_audit import CAPTURE, JPEG, PYTEST, Site
from tests.support.cli import recordbake

TOKEN = "s3cr3t-Value-for-tests-0001"
QUICK = CAPTURE | {"RECORDBAKE_RETRY_MAX_WAIT": "0", "RECORDBAKE_OVERSIZED_MB": "0.02"}

FINE = """
    import socket, subprocess, sys, urllib.error, urllib.request, pytest

    def get(path):
        try:
            return urllib.request.urlopen(BASE + path, timeout=60).read()
        except urllib.error.HTTPError as error:
            return str(error.code).encode()

    @pytest.mark.parametrize("n", range(12))
    def test_fine(n): assert get(f"/fine/{n}")
"""
PLANTED = """
    def test_photo(): assert get("/photo.jpg")
    def test_changing(): assert get("/changing")
    def test_aged(): assert get("/aged")
    def test_expiring(): assert get("/expiring")
    def test_used_to_be(): assert get("/used-to-be")
    def test_echo(): assert get("/echo")
    def test_removed(): assert get("/removed")
"""
KEPT = """
    def test_big(): assert get("/big")
    def test_noisy(): assert get("/noisy") and get("/noisy")
    def test_copies(): assert get("/copy/1") == get("/copy/2")
"""
FLAKY = """
    def test_flaky(): assert get("/flaky") == b"/flaky"
    def test_denied(): assert get("/denied")
"""
NEW = """
    def test_new(): assert get("/moved")
"""
BY_HAND = """
    def test_uncovered():
        subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)

    def test_leak():
        with pytest.raises(OSError):
            socket.create_connection(("192.0.2.1", 443), timeout=1)
"""


class Planted(Site):
    """A site that may be in bad weather, and that counts."""

    def __init__(self):
        self.count = 0
        self.down = True
        super().__init__()

    def answer(self, path):
        self.count += 1
        bodies = {
            "/big": b"b" * 30_000, "/copy/1": b"c" * 2_000, "/copy/2": b"c" * 2_000,
            "/noisy": b'{"id": %d}' % self.count, "/echo": b'{"you": "%s"}' % TOKEN.encode(),
        }  # fmt: skip
        if path == "/flaky" and self.down:
            return 503, {}, b"no"
        if path == "/denied" and self.down:
            return 403, {}, b"no"
        if path == "/expiring":
            return 200, {"Cache-Control": "max-age=3600"}, b"an hour"
        return (200, {}, bodies[path]) if path in bodies else super().answer(path)


@pytest.fixture
def site():
    with Planted() as made:
        yield made
        made.shutdown()


class Project:
    """A directory with a suite, and recordbake run in it."""

    def __init__(self, where, site):
        self.where, self.site = where, site
        self.store = where / ".recordbake" / "http_cache" / "requests_cache.sqlite"
        self.environ = dict(QUICK)

    def suite(self, *parts):
        base = f"BASE = 'http://localhost:{self.site.server_port}'\n"
        text = base + "".join(map(textwrap.dedent, parts))
        (self.where / "test_suite.py").write_text(text)

    def run(self, *arguments):
        return recordbake(*arguments, cwd=self.where, env=self.environ)

    def change(self, *statements):
        with closing(sqlite3.connect(self.store)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
            seal(connection)

    def audit(self):
        done = self.run("audit", "--revalidate")
        assert done.returncode == 0, done.stderr
        return json.loads((self.where / "reports" / "audit.json").read_text())


def kinds(report):
    return [finding["kind"] for finding in report["findings"]]


def plant(project):
    """Record, bake, record more in bad weather, let time pass, change the suite, replay."""
    site = project.site
    project.suite(FINE)
    assert project.run("record", "--", *PYTEST).returncode == 0
    assert project.run("bake").returncode == 0
    project.suite(FINE, PLANTED, KEPT)
    assert project.run("record", "--", *PYTEST).returncode == 0
    site.photo, site.failing = b"<!doctype html><title>Sign in</title>", True
    project.suite(FINE, PLANTED, KEPT, FLAKY)
    assert project.run("record", "--", *PYTEST).returncode == 1
    site.photo, site.failing, site.down, site.version = JPEG, False, False, "2"
    aged = "UPDATE entries SET recorded_at = recorded_at - {} WHERE url LIKE '%{}'"
    project.change(
        aged.format(90 * 86400, "/aged"),
        aged.format(7200, "/expiring"),
        "UPDATE responses SET value = CAST('garbage' AS BLOB) WHERE key IN"
        " (SELECT response_key FROM entries WHERE url LIKE '%/fine/11')",
    )
    project.suite(FINE, PLANTED.replace('get("/removed")', "True"), KEPT, FLAKY, NEW, BY_HAND)
    project.environ["APP_TOKEN"] = TOKEN
    project.run("replay", "--strict", "--", *PYTEST)
    journal = max((project.where / ".recordbake" / "runs").glob("*replay*")) / "http_log.ndjson"
    with journal.open("a") as stream:
        stream.write('{"v": 1, "ts": 17900\n')


def test_each_planted_finding_is_found_and_following_the_verdict_mends_it(tmp_path, site):
    project = Project(tmp_path, site)
    plant(project)
    found = project.audit()
    assert kinds(found) == [
        "live-miss", "leak", "incomplete", "damaged-entry", "secret", "suspicious-200",
        "error-kept", "error-kept", "uncovered", "stale", "stale-upstream", "damaged-journal",
        "stale-origin", "volatile", "oversized", "duplicate-body", "growth", "unused",
    ]  # fmt: skip
    verdict = found["verdict"]
    assert (verdict["decision"], verdict["by_hand"]) == (
        "re-record these", ["1 leaked connection", "1 unhooked process"],
    )  # fmt: skip

    site.seen.clear()
    for command in (verdict["command"], *verdict["then"]):
        program, *arguments = shlex.split(command)
        done = project.run(*arguments)
        assert program == "recordbake"
        assert done.returncode == (10 if "replay" in command else 0), done.stderr  # by hand
    assert sorted(site.seen) == [
        "/aged", "/changing", "/denied", "/echo", "/expiring", "/fine/11", "/flaky", "/moved",
        "/new", "/photo.jpg", "/used-to-be",
    ]  # fmt: skip

    left = project.audit()
    assert kinds(left) == ["leak", "uncovered", "volatile", "oversized", "duplicate-body"]
    assert left["verdict"]["decision"] == "keep"

    project.suite(FINE, PLANTED.replace('get("/removed")', "True"), FLAKY, NEW)
    assert project.run("replay", "--strict", "--", *PYTEST).returncode == 0
    unused = project.audit()
    assert set(kinds(unused)) == {"unused", "volatile", "oversized", "duplicate-body"}
    dropped = project.run("record", "--from-audit", "reports/audit.json", "--", *PYTEST)
    assert "5 unused entries dropped" in dropped.stderr
    assert kinds(project.audit()) == []
