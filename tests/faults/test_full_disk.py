"""The disk fills up while a suite runs: the suite goes on, the run says what was lost."""

from __future__ import annotations

import json
import sys

import pytest

from recordbake import store
from tests.support.cli import recordbake
from tests.support.disks import small_disk
from tests.support.origin import Origin

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}
SUITE = """
import hashlib, json, urllib.request
def fetch(path):
    return urllib.request.urlopen("{url}" + path).read()
sizes = [len(fetch(p)) for p in ("/text", "/large", "/text?2", "/large?2", "/text?3")]
print(json.dumps(sizes))
"""


def run(where, verb, *flags, code):
    return recordbake(verb, *flags, "--", sys.executable, "-c", code, cwd=where, env=CAPTURE)


def events(directory):
    (journal,) = directory.glob("*/http_log.ndjson")
    whole = [line for line in journal.read_text().splitlines() if line.endswith("}")]
    assert len(journal.read_text().splitlines()) - len(whole) <= 1  # the one that was torn
    return [json.loads(line) for line in whole]


def test_recording(tmp_path):
    with Origin() as origin, small_disk(tmp_path / "runs", "3m"):
        code = SUITE.replace("{url}", origin.url)
        result = run(tmp_path, "record", "--runs-dir", "runs", code=code)
        assert json.loads(result.stdout) == [900, 2097152, 900, 2097152, 900]
        assert result.returncode == 11, result.stderr
        assert "could not be written (No space left on device)" in result.stderr
        assert "Traceback" not in result.stderr
        kept = [(e["outcome"], e["reason"]) for e in events(tmp_path / "runs") if "outcome" in e]
        assert kept == [("stored", "")] * 3 + [("forwarded", "lost"), ("stored", "")]
    assert store.check(tmp_path / ".recordbake/http_cache/requests_cache.sqlite")["entries"] == 4
    replayed = run(tmp_path, "replay", "--strict", code=code)
    assert replayed.returncode == 10
    assert "/large?2" in replayed.stderr


FILLED = """
def fill():
    with open("runs/fill", "wb", buffering=0) as stream:
        for size in (4096, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                pass
fill()
{code}
for _ in range(40):  # the journal's last page has room for some lines
    fetch("/text")
import os; os.unlink("runs/fill")
"""


@pytest.mark.parametrize("verb", [("record",), ("replay",), ("replay", "--strict")], ids=" ".join)
def test_a_journal_that_cannot_be_written(tmp_path, verb):
    with Origin() as origin:
        code = SUITE.replace("{url}", origin.url)
        assert run(tmp_path, "record", code=code).returncode == 0
        with small_disk(tmp_path / "runs", "1m"):
            filled = FILLED.replace("{code}", code)
            result = run(tmp_path, *verb, "--runs-dir", "runs", code=filled)
            assert result.returncode == 11, result.stderr
            assert json.loads(result.stdout) == [900, 2097152, 900, 2097152, 900]
            assert "could not be written (No space left on device)" in result.stderr
            assert "Traceback" not in result.stderr
            losses = [e["count"] for e in events(tmp_path / "runs") if e["event"] == "loss"]
            assert sum(losses) >= 20


@pytest.mark.parametrize("size", ["4k", "8k"])
def test_no_room_for_a_run_at_all(tmp_path, size):
    with small_disk(tmp_path / "runs", size):
        result = run(tmp_path, "record", "--runs-dir", "runs", code="print(1)")
        assert result.returncode in (11, 12), result.stderr
        assert "space" in result.stderr
        assert "Traceback" not in result.stderr
