"""Stores whose writer was killed, and disks that are full or forbidden, while recording."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from recordbake import store
from recordbake.errors import DamagedError
from tests.support.cli import recordbake
from tests.support.origin import Origin
from tests.support.sample import captured, make_recording

URL = "https://x.example/a"
HALF_WRITTEN = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("DELETE FROM entries")
connection.execute("DELETE FROM responses")
for n in range(2000):
    connection.execute("INSERT INTO uses VALUES (?, 'x', 0, 0, 0)", ("z" * 200 + str(n),))
os.kill(os.getpid(), 9)
"""


def test_a_writer_killed_in_the_middle_of_its_transaction_changed_nothing(tmp_path):
    recording = make_recording(tmp_path / "rec", [captured(URL), captured(URL + "b")])
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, recording.store], check=False)
    assert recording.store.with_name(recording.store.name + "-journal").exists()
    store.settle(recording.store)
    assert not recording.store.with_name(recording.store.name + "-journal").exists()
    assert store.check(recording.store)["entries"] == 2


NEW = """
import os, pathlib, sys
from recordbake.store import writing

store = pathlib.Path(sys.argv[1])
with writing(store) as connection:
    connection.execute("INSERT INTO uses VALUES ('a', 'x', 0, 0, 0)")
    assert not store.exists()
    os.kill(os.getpid(), 9)
"""


def test_a_new_store_is_there_when_it_is_whole_and_not_before(tmp_path):
    path = tmp_path / "http_cache" / "requests_cache.sqlite"
    killed = subprocess.run([sys.executable, "-c", NEW, path], check=False)
    assert killed.returncode == -9
    assert not path.exists()
    with pytest.raises(KeyError), store.writing(path):
        raise KeyError
    assert list(path.parent.iterdir()) == []  # what the killed one left is gone, too
    with store.writing(path):
        pass
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert store.check(path)["entries"] == 0


def test_a_new_store_has_nothing_of_one_that_was_deleted(tmp_path):
    recording = make_recording(tmp_path / "rec", [captured(URL + str(n)) for n in range(9)])
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, recording.store], check=False)
    assert recording.store.with_name(recording.store.name + "-journal").exists()
    recording.store.unlink()
    make_recording(tmp_path / "rec", [captured(URL + "new")])
    store.settle(recording.store)
    assert store.check(recording.store)["entries"] == 1


def test_a_write_ahead_log_is_folded_in(tmp_path):
    recording = make_recording(tmp_path / "rec", [captured(URL)])
    connection = sqlite3.connect(recording.store)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("UPDATE entries SET client = 'changed'")
    connection.commit()
    copy = tmp_path / "copy"
    shutil.copytree(recording.http_cache, copy)  # as a kill would have left it
    connection.close()
    path = copy / recording.store.name
    store.settle(path)
    assert path.read_bytes()[18:20] == b"\x01\x01"
    with store.connect_readonly(path) as found:
        assert [row[0] for row in found.execute("SELECT client FROM entries")] == ["changed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_is_said_and_loses_nothing_of_before(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with Origin() as origin:
            capture = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}

            def record(path):
                code = f"import urllib.request as u; u.urlopen({origin.url + path!r}).read()"
                return recordbake(
                    "record", "--", sys.executable, "-c", code, cwd=small, env=capture
                )

            assert record("/text").returncode == 0
            result = record("/large")  # 2 MiB
            assert result.returncode not in (0, 10)
            assert "space" in result.stderr.lower()
            shutil.rmtree(small / ".recordbake" / "runs")
            assert store.check(small / ".recordbake/http_cache/requests_cache.sqlite")
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_a_directory_that_is_a_file_is_an_error_at_once(tmp_path):
    (tmp_path / "http_cache").write_text("in the way")
    with (
        pytest.raises(DamagedError, match="cannot be written"),
        store.writing(tmp_path / "http_cache" / store.__name__),
    ):
        pytest.fail("there is nothing to write to")
