"""verify() and unpack(): what they accept, what they find, what they replace."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from recordbake import store
from recordbake.bake import bake, unpack, verify
from recordbake.bake.manifest import with_digest
from recordbake.errors import DamagedError, UsageError
from recordbake.recording import Recording
from tests.support.bakes import BODY, CHANGE_ANSWER, Item, baked, listing, make_sample, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def test_unpack_gives_the_recording_back(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    manifest = bake(recording, tmp_path / "bake")
    assert unpack(tmp_path / "bake", tmp_path / "to") == manifest
    to = Recording(tmp_path / "to")
    assert sorted(p.name for p in to.path.iterdir()) == ["hf_cache", "http_cache", "manifest.json"]
    assert to.manifest.read_bytes() == (tmp_path / "bake" / "manifest.json").read_bytes()
    assert store.check(to.store) == store.check(recording.store)
    (body,) = (p for p in to.bodies.rglob("*") if p.is_file())
    assert body.read_bytes() == BODY
    (link,) = to.hf_cache.rglob("model.bin")
    assert link.is_symlink()
    assert link.read_bytes() == b"weights"


def test_unpacked_files_follow_the_umask(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    before = os.umask(0o022)
    try:
        unpack(bake_dir, tmp_path / "to")
    finally:
        os.umask(before)
    found = {p.stat().st_mode & 0o777 for p in [tmp_path / "to", *(tmp_path / "to").rglob("*")]}
    assert found == {0o755, 0o644}


def test_verify_writes_nothing_beside_the_bake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    before = listing(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    verify(bake_dir)
    (tmp_path / "tmp").rmdir()
    assert listing(tmp_path) == before


def test_an_empty_target_is_taken(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    (tmp_path / "to").mkdir()
    unpack(bake_dir, tmp_path / "to")
    assert (tmp_path / "to" / "manifest.json").is_file()


def test_a_previous_unpack_is_replaced_and_keeps_its_runs(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    to = tmp_path / "to"
    unpack(bake_dir, to)
    (to / "hf_cache" / "old").write_text("old")
    (to / "runs" / "r1").mkdir(parents=True)
    (to / ".lock").touch()  # both left by a replay from it
    unpack(bake_dir, to)
    assert sorted(p.name for p in to.iterdir()) == [
        "hf_cache", "http_cache", "manifest.json", "runs",
    ]  # fmt: skip
    assert not (to / "hf_cache" / "old").exists()
    assert listing(to / "runs") == ["r1"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    "interrupted", ["before the second rename", "before the runs moved", "then made anew"]
)
def test_an_interrupted_replacement_is_recovered(tmp_path: Path, interrupted: str) -> None:
    bake_dir = baked(tmp_path)
    to = tmp_path / "to"
    unpack(bake_dir, to)
    (to / "runs" / "r1").mkdir(parents=True)
    to.rename(tmp_path / ".to.previous")
    if interrupted == "before the runs moved":
        unpack_without_recovery = tmp_path / "other"
        unpack(bake_dir, unpack_without_recovery)
        unpack_without_recovery.rename(to)
    elif interrupted == "then made anew":
        to.mkdir()
    unpack(bake_dir, to)
    assert listing(to / "runs") == ["r1"]
    assert not (tmp_path / ".to.previous").exists()


def test_a_previous_tree_is_never_half_deleted_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    unpack(bake_dir, tmp_path / "to")
    whole = listing(tmp_path / "to")
    remove = shutil.rmtree

    def look_and_remove(path: Path, **options: bool) -> None:
        aside = tmp_path / ".to.previous"
        assert not aside.exists() or listing(aside) == whole
        assert path != aside
        remove(path, **options)

    monkeypatch.setattr("shutil.rmtree", look_and_remove)
    unpack(bake_dir, tmp_path / "to")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bake", "sample", "to"]


@pytest.mark.parametrize(
    "what", ["file", "foreign directory", "manifest only", "bake", "recording"]
)
def test_a_target_with_something_else_is_left_alone(tmp_path: Path, what: str) -> None:
    bake_dir = baked(tmp_path)
    to = tmp_path / "to"
    if what == "file":
        to.write_text("mine")
    elif what == "foreign directory":
        to.mkdir()
        (to / "mine").write_text("mine")
    elif what == "manifest only":
        to.mkdir()
        (to / "manifest.json").write_text("{}")
    else:
        to = bake_dir if what == "bake" else tmp_path / "sample" / "recording"
    before = listing(tmp_path)
    with pytest.raises(UsageError) as caught:
        unpack(bake_dir, to)
    assert caught.value.exit_code == 2
    assert listing(tmp_path) == before


def refused(tmp_path: Path, bake_dir: Path) -> str:
    """The error that verify and unpack both raise; neither leaves anything."""
    before = listing(tmp_path)
    messages = []
    for action in (verify, lambda bake_dir: unpack(bake_dir, tmp_path / "new" / "to")):
        with pytest.raises(DamagedError) as caught:
            action(bake_dir)
        assert caught.value.exit_code == 12
        assert caught.value.where
        assert caught.value.next_step
        messages.append(caught.value.what)
    assert listing(tmp_path) == before
    assert messages[0] == messages[1]
    return messages[0]


def change_store(bake_dir: Path, work: Path, *statements: str) -> None:
    """Run SQL on the store inside of a bake and let the manifest vouch for the result."""

    def change(members: list[Item]) -> list[Item]:
        (item,) = (i for i in members if i.info.name.endswith(".sqlite"))
        work.write_bytes(item.data)
        with closing(sqlite3.connect(work)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        item.data = work.read_bytes()
        item.info.size = len(item.data)
        work.unlink()
        return members

    rewrite(bake_dir, change, "http_cache.tgz")


def test_a_missing_body_is_found(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    rewrite(bake_dir, lambda ms: [m for m in ms if m.info.size != len(BODY)], "http_cache.tgz")
    assert "a body is missing" in refused(tmp_path, bake_dir)


def test_a_changed_body_is_found(tmp_path: Path) -> None:
    def change(members: list[Item]) -> list[Item]:
        (item,) = (i for i in members if i.info.size == len(BODY))
        item.data = b"x" + BODY[1:]
        return members

    bake_dir = baked(tmp_path)
    rewrite(bake_dir, change, "http_cache.tgz")
    assert "digest that it is named by" in refused(tmp_path, bake_dir)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (CHANGE_ANSWER, "http://example.org/7"),
        ("DELETE FROM responses WHERE CAST(value AS TEXT) LIKE '%body 7'", "an answer is missing"),
        ("UPDATE entries SET body_size = 3 WHERE url LIKE '%/7'", "not the one its entry"),
        ("UPDATE entries SET body_sha256 = NULL WHERE url LIKE '%/0'", "what its body is"),
        ("UPDATE entries SET body_sha256 = '../../x' WHERE url LIKE '%/0'", "what its body is"),
        ("UPDATE meta SET value = 'x' WHERE name = 'format'", "the store is damaged"),
        ("UPDATE meta SET value = 2 WHERE name = 'format'", "the store has format 2"),
        ("ALTER TABLE entries RENAME live_ms TO liva_ms", "the table entries has the columns"),
        ("DELETE FROM entries WHERE url LIKE '%/7'", "tables have changed"),
        ("DROP TABLE entries", "the store is damaged"),
        ("CREATE VIEW v AS SELECT 1", "never has: v"),
        ("CREATE TRIGGER t AFTER INSERT ON meta BEGIN SELECT 1; END", "never has: t"),
    ],
)
def test_a_changed_store_is_found(tmp_path: Path, statement: str, message: str) -> None:
    bake_dir = baked(tmp_path)
    change_store(bake_dir, tmp_path / "work.sqlite", statement)
    assert message in refused(tmp_path, bake_dir)


def test_a_store_with_a_damaged_page_is_found(tmp_path: Path) -> None:
    def change(members: list[Item]) -> list[Item]:
        (item,) = (i for i in members if i.info.name.endswith(".sqlite"))
        item.data = item.data[:8192] + bytes(4096) + item.data[12288:]
        return members

    bake_dir = baked(tmp_path)
    rewrite(bake_dir, change, "http_cache.tgz")
    assert "the store is damaged" in refused(tmp_path, bake_dir)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["archives"]["http_cache.tgz"].update(sha256="0" * 64),
        lambda d: d["archives"]["http_cache.tgz"].update(tar_sha256="0" * 64),
        lambda d: d["archives"]["hf_cache.tgz"].update(size=10**9),
        lambda d: d["archives"]["hf_cache.tgz"].update(size=7),
        lambda d: d["archives"]["hf_cache.tgz"].update(tar_size=10**6),
        lambda d: d["archives"]["hf_cache.tgz"].update(tar_size=512),
        lambda d: d["archives"]["hf_cache.tgz"].update(files=99),
        lambda d: d["archives"]["hf_cache.tgz"].update(files=1),
        lambda d: d["store"].update(entries=1),
    ],
)
def test_a_wrong_manifest_is_found(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    bake_dir = baked(tmp_path)
    manifest = json.loads((bake_dir / "manifest.json").read_text())
    change(manifest)
    (bake_dir / "manifest.json").write_bytes(with_digest(manifest))
    refused(tmp_path, bake_dir)


@pytest.mark.parametrize("name", ["http_cache.tgz", "hf_cache.tgz", "manifest.json"])
def test_a_missing_file_is_found(tmp_path: Path, name: str) -> None:
    bake_dir = baked(tmp_path)
    (bake_dir / name).unlink()
    refused(tmp_path, bake_dir)


def test_archives_put_in_each_others_place_are_found(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    (bake_dir / "hf_cache.tgz").write_bytes((bake_dir / "http_cache.tgz").read_bytes())
    manifest = json.loads((bake_dir / "manifest.json").read_text())
    manifest["archives"]["hf_cache.tgz"] = manifest["archives"]["http_cache.tgz"]
    (bake_dir / "manifest.json").write_bytes(with_digest(manifest))
    assert "does not lie in hf_cache/" in refused(tmp_path, bake_dir)


def test_a_bake_larger_than_the_disk_is_refused_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Free())
    with pytest.raises(DamagedError, match="the disk has 1000 free"):
        unpack(bake_dir, tmp_path / "to")
    assert not (tmp_path / "to").exists()


class _Free:
    free = 1000
