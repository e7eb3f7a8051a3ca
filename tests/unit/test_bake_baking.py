"""bake(): the same recording gives the same bytes, and only what belongs is in them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from recordbake.bake import bake, unpack, verify
from recordbake.errors import DamagedError, UsageError
from recordbake.recording import Recording
from tests.support.bakes import BODY, CHANGE_ANSWER, NAMES, contents, listing, make_sample
from tests.support.sample import T0, captured, make_recording


def shuffled_copy(source: Path, target: Path) -> None:
    """A copy made in another order, under another umask, with other times and modes."""
    before = os.umask(0o077)
    try:
        for path in sorted(source.rglob("*"), reverse=True):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                copy.symlink_to(path.readlink())
            elif path.is_dir():
                copy.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, copy)
                os.utime(copy, (1, 1))
    finally:
        os.umask(before)


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    recording = make_sample(tmp_path, large=[BODY, BODY[::-1], BODY[1:]])
    bake(recording, tmp_path / "one")
    bake(recording, tmp_path / "two")
    bake(recording, tmp_path / "two")  # over an earlier one
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_copy_with_other_times_modes_and_order_gives_the_same_bytes(tmp_path: Path) -> None:
    recording = make_sample(tmp_path, large=[BODY, BODY[::-1], BODY[1:]])
    bake(recording, tmp_path / "one")
    shuffled_copy(recording.path, tmp_path / "copy")
    before = os.umask(0o077)
    try:
        bake(Recording(tmp_path / "copy"), tmp_path / "two")
    finally:
        os.umask(before)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_unpacked_bake_bakes_to_the_same_entries(tmp_path: Path) -> None:
    first = bake(make_sample(tmp_path), tmp_path / "one")
    unpack(tmp_path / "one", tmp_path / "unpacked")
    second = bake(Recording(tmp_path / "unpacked"), tmp_path / "two")
    assert (first.store, first.hub) == (second.store, second.hub)
    assert first.archives["hf_cache.tgz"] == second.archives["hf_cache.tgz"]


def test_wal_is_folded_in_and_the_copy_is_in_rollback_mode(tmp_path: Path) -> None:
    recording = make_sample(tmp_path)
    with closing(sqlite3.connect(recording.store)) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO meta VALUES ('late', 'in the WAL'), ('format', 1)")
        connection.commit()
        shutil.copytree(recording.path, tmp_path / "killed")  # as a killed writer leaves it
    killed = Recording(tmp_path / "killed")
    assert (killed.http_cache / "requests_cache.sqlite-wal").stat().st_size
    bake(killed, tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "to")
    assert listing(tmp_path / "to" / "http_cache")[-1] == "requests_cache.sqlite"
    store = tmp_path / "to" / "http_cache" / "requests_cache.sqlite"
    assert store.read_bytes()[18:20] == b"\x01\x01"
    with closing(sqlite3.connect(f"file:{store}?immutable=1", uri=True)) as connection:
        found = connection.execute("SELECT value FROM meta WHERE name = 'late'").fetchall()
    assert found == [("in the WAL",)]


def test_nothing_secret_unfinished_or_foreign_is_in_it(tmp_path: Path) -> None:
    recording = make_sample(tmp_path)
    (recording.http_cache / "notes.txt").write_text("mine")
    stray = recording.bodies / "00" / ("0" * 64)
    stray.parent.mkdir()
    stray.write_bytes(b"an old body")
    manifest = bake(recording, tmp_path / "bake")
    names: set[str] = set()
    for name in NAMES[:2]:
        with tarfile.open(tmp_path / "bake" / name) as tar:
            names.update(tar.getnames())
        raw = gzip.decompress((tmp_path / "bake" / name).read_bytes())
        assert b"hf_SECRET" not in raw
        assert b"j.org" not in raw, "the journal"
    for word in ("token", "lock", "incomplete", "ndjson", "runs", "notes.txt", "0" * 64):
        assert not [name for name in names if word in name]
    assert [item.path for item in manifest.left_out] == [
        "hf_cache/hub/.locks",
        "hf_cache/hub/models--org--name/blobs/def.incomplete",
        "hf_cache/stored_tokens",
        "hf_cache/token",
        f"http_cache/bodies/00/{'0' * 64}",
        "http_cache/notes.txt",
    ]


def test_the_manifest_counts_what_is_in_it(tmp_path: Path) -> None:
    manifest = bake(make_sample(tmp_path), tmp_path / "bake")
    assert manifest.store == {
        "entries": 41,
        "takes": 41,
        "bodies": 41,
        "body_bytes": sum(len(f"body {n}") for n in range(40)) + len(BODY),
    }
    assert manifest.hub == {"repos": 1, "files": 1, "bytes": len(b"weights")}
    assert json.loads((tmp_path / "bake" / "manifest.json").read_bytes())["v"] == 1
    assert verify(tmp_path / "bake") == manifest


def test_times_are_those_of_the_newest_entry_or_source_date_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    entries = [captured("http://h/1"), captured("http://h/2", recorded_at=T0 + 7.9)]
    recording = make_recording(tmp_path / "recording", entries)

    def times() -> set[float]:
        found = set()
        for name in NAMES[:2]:
            with tarfile.open(tmp_path / "bake" / name) as tar:
                found |= {member.mtime for member in tar}
        return found

    assert bake(recording, tmp_path / "bake").created_at == T0 + 7
    assert times() == {T0 + 7}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert bake(recording, tmp_path / "bake").created_at == 86400
    assert times() == {86400}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "9" * 30)
    assert bake(recording, tmp_path / "bake").created_at == 8**11 - 1
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "-1")
    assert bake(recording, tmp_path / "bake").created_at == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        bake(recording, tmp_path / "bake")


def test_an_empty_recording_can_be_baked(tmp_path: Path) -> None:
    recording = make_recording(tmp_path / "recording", [])
    manifest = bake(recording, tmp_path / "bake")
    assert (manifest.store["entries"], manifest.hub["repos"], manifest.created_at) == (0, 0, 0)
    unpack(tmp_path / "bake", tmp_path / "to")
    assert (tmp_path / "to" / "hf_cache").is_dir()


@pytest.mark.parametrize("state", ["missing", "truncated", "grown", "changed"])
def test_a_damaged_body_is_not_baked(tmp_path: Path, state: str) -> None:
    recording = make_sample(tmp_path)
    (body,) = (p for p in recording.bodies.rglob("*") if p.is_file())
    if state == "missing":
        body.unlink()
    else:
        new = {"truncated": BODY[:-1], "grown": BODY + b"x", "changed": b"x" + BODY[1:]}[state]
        body.write_bytes(new)
    with pytest.raises(DamagedError) as caught:
        bake(recording, tmp_path / "bake")
    assert caught.value.where == str(body)
    assert not (tmp_path / "bake").exists()


def test_a_damaged_store_is_not_baked_and_the_earlier_bake_stays(tmp_path: Path) -> None:
    recording = make_sample(tmp_path)
    bake(recording, tmp_path / "bake")
    before = contents(tmp_path / "bake")
    os.truncate(recording.store, recording.store.stat().st_size // 2)
    with pytest.raises(DamagedError):
        bake(recording, tmp_path / "bake")
    assert contents(tmp_path / "bake") == before


def test_an_earlier_bake_that_somebody_reads_stays_whole(tmp_path: Path) -> None:
    bake(make_sample(tmp_path / "1"), tmp_path / "bake")
    before = contents(tmp_path / "bake")
    opened = {name: (tmp_path / "bake" / name).open("rb") for name in NAMES}
    bake(make_recording(tmp_path / "2", [captured("http://h/2")]), tmp_path / "bake")
    assert contents(tmp_path / "bake") != before
    for name, stream in opened.items():
        with stream:
            assert stream.read() == before[name]


def test_archives_of_two_bakes_never_stand_beside_a_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake(make_sample(tmp_path / "1"), tmp_path / "bake")
    replace = Path.replace

    def fail_at_the_second(source: Path, target: Path) -> Path:
        if source.name == NAMES[1]:
            raise OSError(5, "Input/output error", str(source))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_second)
    with pytest.raises(DamagedError, match="Input/output error"):
        bake(make_recording(tmp_path / "2", [captured("http://h/2")]), tmp_path / "bake")
    with pytest.raises(DamagedError, match="there is no bake"):
        verify(tmp_path / "bake")
    assert listing(tmp_path / "bake") == sorted(NAMES[:2])


def test_a_changed_answer_is_not_baked(tmp_path: Path) -> None:
    recording = make_sample(tmp_path)
    with closing(sqlite3.connect(recording.store)) as connection:
        connection.execute(CHANGE_ANSWER)
        connection.commit()
    with pytest.raises(DamagedError, match=r"bytes have changed\): http://example\.org/7"):
        bake(recording, tmp_path / "bake")


def test_a_missing_recording_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="there is no store") as caught:
        bake(Recording(tmp_path / "none"), tmp_path / "deep" / "bake")
    assert caught.value.exit_code == 12
    assert listing(tmp_path) == []


def test_a_bake_is_not_written_into_what_it_bakes(tmp_path: Path) -> None:
    recording = make_sample(tmp_path)
    with pytest.raises(UsageError):
        bake(recording, recording.hf_cache / "bake")
    bake(recording, recording.bake_dir)  # the default place is beside them
    verify(recording.bake_dir)
