"""A store that was found whole is not read whole again; one that has changed is."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from recordbake import checked, store
from recordbake.bake import bake, unpack
from recordbake.errors import DamagedError
from recordbake.recording import Recording
from tests.support.sample import captured, make_recording


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """A recording whose last change lies behind, with the user's cache in a place of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checked, "_UNSETTLED", 0.0)
    shards = tmp_path / "shards"
    large = captured("https://x.example/large", b"x" * 50_000, shards=shards)
    return make_recording(tmp_path / "recording", [captured("https://x.example/"), large], shards)


@pytest.fixture
def checks(monkeypatch):
    """How often a store was checked whole."""
    done = []
    whole = store.check
    monkeypatch.setattr(store, "check", lambda path: (done.append(path), whole(path))[1])
    return done


def test_a_store_is_checked_whole_once(recording, checks):
    for _ in range(3):
        checked.check_once(recording.store)
    assert len(checks) == 1


def test_a_store_that_changed_just_now_is_not_remembered(recording, checks, monkeypatch):
    monkeypatch.setattr(checked, "_UNSETTLED", 1000.0)
    for _ in range(2):
        checked.check_once(recording.store)
    assert len(checks) == 2


def _write_in_place(recording):
    with recording.store.open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\xff" * 3000)


def _write_in_place_and_set_the_time_back(recording):
    before = recording.store.stat()
    time.sleep(0.02)  # a tick of the file system
    _write_in_place(recording)
    os.utime(recording.store, ns=(before.st_atime_ns, before.st_mtime_ns))


def _remove_a_body(recording):
    next(recording.bodies.glob("*/*")).unlink()


def _truncate(recording):
    os.truncate(recording.store, 8192)


def _replace(recording):
    copy = recording.store.with_name("copy")
    shutil.copy2(recording.store, copy)
    os.truncate(copy, 8192)
    copy.replace(recording.store)


@pytest.mark.parametrize(
    "change",
    [_write_in_place, _write_in_place_and_set_the_time_back, _remove_a_body, _truncate, _replace],
)
def test_a_store_that_changed_is_checked_whole_again(recording, checks, change):
    checked.check_once(recording.store)
    change(recording)
    with pytest.raises(DamagedError):
        checked.check_once(recording.store)
    assert len(checks) == 2
    with pytest.raises(DamagedError):  # what was found damaged is never remembered
        checked.check_once(recording.store)


def test_another_store_in_its_place_is_checked(recording, checks, tmp_path):
    checked.check_once(recording.store)
    shutil.rmtree(recording.path)
    make_recording(recording.path, [captured("https://x.example/other")])
    checked.check_once(recording.store)
    assert len(checks) == 2


def test_a_cache_that_cannot_be_written_only_costs_time(recording, checks, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        checked.check_once(recording.store)
    assert len(checks) == 2


def test_a_store_that_is_not_there_is_damage(tmp_path):
    with pytest.raises(DamagedError):
        checked.check_once(tmp_path / "none.sqlite")


@pytest.fixture
def unpacked(recording, tmp_path):
    bake(recording, tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "unpacked")
    return Recording(tmp_path / "unpacked")


def test_an_unpacked_bake_holds_the_store_that_its_manifest_names(unpacked, checks):
    for _ in range(2):
        checked.check_once(unpacked.store)
    assert len(checks) == 1
    manifest = unpacked.manifest.read_bytes()
    with store.writing(unpacked.store) as connection:  # a store that is well in itself
        connection.execute("UPDATE entries SET status = 500")
    unpacked.manifest.write_bytes(manifest)
    with pytest.raises(DamagedError, match="not the manifest's"):
        checked.check_once(unpacked.store)


def test_a_changed_manifest_is_compared_anew(unpacked):
    checked.check_once(unpacked.store)
    unpacked.manifest.write_text("{}")
    with pytest.raises(DamagedError, match="the manifest is damaged"):
        checked.check_once(unpacked.store)


def test_a_bake_that_is_recorded_into_is_another_one(unpacked):
    with store.writing(unpacked.store) as connection:
        connection.execute("UPDATE entries SET status = 500")
    assert not unpacked.manifest.exists()
    checked.check_once(unpacked.store)
