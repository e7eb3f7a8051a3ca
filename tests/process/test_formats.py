"""What a released version wrote still opens, with every command that reads; a newer format not."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import tarfile
from contextlib import closing

import pytest

from recordbake.bake.manifest import VERSION
from recordbake.store import FORMAT
from tests.support.cli import recordbake
from tests.support.formats import FORMATS, LARGE

REPLAYED = f"""
import hashlib, urllib.error, urllib.request
def get(url):
    return urllib.request.urlopen(url).read()
assert [get("https://api.example.org/items") for _ in "12"] == [b'{{"n": 1}}', b'{{"n": 2}}']
large = get("https://files.example.org/large")
assert hashlib.sha256(large).hexdigest() == "{hashlib.sha256(LARGE).hexdigest()}"
try:
    get("https://down.example.org/")
except urllib.error.URLError as error:
    assert isinstance(error.reason, ConnectionRefusedError)
else:
    raise SystemExit("it was down")
"""
#: What failed goes live again when it is missing; here it may not.
MISSING = REPLAYED.partition("try:")[0]
SAMPLES = sorted(FORMATS.glob("*.tar.gz"), key=lambda path: int(path.name.split(".")[0]))
READING = [
    ["replay", "--strict", "--isolation", "process", "--recording", "{recording}", "--",
     sys.executable, "-c", REPLAYED],
    ["show", "--recording", "{recording}"],
    ["show", "--recording", "{bake}", "https://api.example.org/items"],
    ["audit", "--recording", "{recording}"],
    ["audit", "{bake}", "--compare", "{recording}"],
    ["bake", "--recording", "{recording}", "--out", "again"],
    ["merge", "{recording}", "--into", "merged"],
    ["record", "--missing", "--recording", "{recording}", "--", sys.executable, "-c", MISSING],
    ["audit", "--recording", "{killed}"],
    ["verify", "{bake}"],
    ["unpack", "{bake}", "--to", "to"],
    ["pull", "file://{bake}", "--to", "pulled"],
]  # fmt: skip


@pytest.fixture
def sample(request, tmp_path):
    with tarfile.open(request.param) as tar:
        if sys.version_info >= (3, 12):
            tar.extractall(tmp_path, filter="data")
        else:
            tar.extractall(tmp_path)
    return tmp_path / "sample"


def words(command, sample):
    places = {name: str(sample / name) for name in ("recording", "bake", "killed")}
    return [w if w in (REPLAYED, MISSING) else w.format(**places) for w in command]


def test_there_is_a_sample_of_todays_format():
    assert [path.name for path in SAMPLES][-1] == f"{FORMAT}.tar.gz"
    assert FORMAT == VERSION  # of the store and of a bake; else there are two kinds of samples


@pytest.mark.parametrize("sample", SAMPLES, indirect=True, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "command", READING, ids=[" ".join(c[:1]) + str(n) for n, c in enumerate(READING)]
)
def test_a_sample_opens(sample, command, tmp_path):
    done = recordbake(*words(command, sample), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("sample", SAMPLES[-1:], indirect=True, ids=["newest"])
@pytest.mark.parametrize(
    "command", READING, ids=[" ".join(c[:1]) + str(n) for n, c in enumerate(READING)]
)
def test_a_newer_one_is_refused(sample, command, tmp_path):
    with closing(sqlite3.connect(sample / "recording/http_cache/requests_cache.sqlite")) as store:
        store.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
        store.commit()
    manifest = sample / "bake" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"v": 99}))
    for journal in sample.glob("killed/runs/*/shards/*.ndjson"):
        journal.write_text(journal.read_text().replace('"v": 1', '"v": 99'))
    done = recordbake(*words(command, sample), cwd=tmp_path)
    assert done.returncode == 12
    assert "format 99" in done.stderr
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr
