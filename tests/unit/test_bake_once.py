"""What is in a bake is needed and stored once."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import sqlite3
import subprocess
import tarfile
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from recordbake import hub_cache, store
from recordbake.bake import Options, bake, unpack, verify
from recordbake.bake.compression import BLOCK, GzipWriter
from recordbake.bake.describing import describe_pruned
from recordbake.environment import command_environment
from recordbake.errors import BusyError, DamagedError, UsageError
from recordbake.guest.keys import request_key
from recordbake.guest.reader import StoreReader
from recordbake.locks import recording_lock
from recordbake.recording import Recording
from tests.support.bakes import BODY, COMMIT, Item, contents, make_sample, rewrite
from tests.support.sample import add_run, captured, request_event

REPO = "hub/models--org--name"
XET = "ab" * 32


def with_blob(tmp_path: Path) -> Recording:
    """A sample whose one large body is also the Hub's file."""
    recording = make_sample(tmp_path / "sample")
    (recording.hf_cache / REPO / "blobs" / "abc").write_bytes(BODY)
    return recording


def test_a_body_that_equals_a_hub_file_is_stored_once(tmp_path: Path) -> None:
    recording = with_blob(tmp_path)
    bake(recording, tmp_path / "bake")
    members = []
    for name in ("http_cache.tgz", "hf_cache.tgz"):
        with tarfile.open(tmp_path / "bake" / name) as tar:
            members += [(m.name.split("/")[0], m.size) for m in tar if m.size == len(BODY)]
    assert members == [("hf_cache", len(BODY))]
    verify(tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "to")
    reader = StoreReader(str(Recording(tmp_path / "to").store))
    entry = captured("http://example.org/large/0", b"")
    (take,) = reader.takes(request_key(entry.request), [("Accept", "*/*")])
    assert take.body_path is not None
    assert Path(take.body_path).read_bytes() == BODY
    assert bake(Recording(tmp_path / "to"), tmp_path / "again").store == store.check(
        recording.store
    )


@pytest.mark.parametrize(
    "link",
    [
        "../../../hf_cache/hub/version.txt",  # there, but with other bytes
        "../../../hf_cache/../hf_cache/" + REPO + "/blobs/abc",
        "../../../../etc/passwd",
        "/etc/passwd",
        "../../../hf_cache/nowhere",
    ],
)
def test_a_body_that_links_elsewhere_is_refused(tmp_path: Path, link: str) -> None:
    recording = with_blob(tmp_path)
    (recording.hf_cache / "hub" / "version.txt").write_text("1")
    bake(recording, tmp_path / "bake")

    def change(members: list[Item]) -> list[Item]:
        (body,) = (m for m in members if m.info.issym())
        body.info.linkname = link
        return members

    rewrite(tmp_path / "bake", change, "http_cache.tgz")
    for action in (verify, lambda path: unpack(path, tmp_path / "to")):
        with pytest.raises(DamagedError, match="refused"):
            action(tmp_path / "bake")
    assert not (tmp_path / "to").exists()


def test_only_named_revisions_and_what_they_link_to_are_baked(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    old, repo = "0ld" * 13 + "0", recording.hf_cache / REPO
    (repo / "blobs" / "old").write_bytes(b"old weights")
    (repo / "snapshots" / old).mkdir()
    (repo / "snapshots" / old / "model.bin").symlink_to("../../blobs/old")
    (repo / "refs" / "v0").write_text(old)
    (repo / ".no_exist" / COMMIT).mkdir(parents=True)
    (repo / ".no_exist" / COMMIT / "tokenizer.json").write_text("")
    other = recording.hf_cache / "hub" / "datasets--org--unasked" / "blobs"
    other.mkdir(parents=True)
    (other / "x").write_bytes(b"x")
    manifest = bake(recording, tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "to")
    kept = {
        p.relative_to(tmp_path / "to" / "hf_cache" / REPO).as_posix()
        for p in (tmp_path / "to" / "hf_cache" / REPO).rglob("*")
        if p.is_symlink() or p.is_file()
    }
    assert kept == {
        "blobs/abc", "refs/main", f"snapshots/{COMMIT}/model.bin",
        f".no_exist/{COMMIT}/tokenizer.json",
    }  # fmt: skip
    left = {item.path for item in manifest.left_out if item.why == "no recorded answer names it"}
    assert left == {
        "hf_cache/hub/datasets--org--unasked", f"hf_cache/{REPO}/blobs/old",
        f"hf_cache/{REPO}/refs/v0", f"hf_cache/{REPO}/snapshots/{old}",
    }  # fmt: skip
    assert manifest.hub == {"repos": 1, "files": 1, "bytes": len(b"weights")}


def test_shared_blobs_are_baked_where_they_are_linked(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    hub = recording.hf_cache / "hub"
    shared = hub / "blobs" / "ab"
    shared.mkdir(parents=True)
    (hub / "blobs" / ".huggingface-shared-blobs").write_text("1\n")
    (shared / XET).write_bytes(b"weights")
    (shared / XET).chmod(0o400)
    (shared / ("ac" * 32)).write_bytes(b"nobody's")
    (shared / f"{XET}.refs").write_text(
        "models--org--name/blobs/abc\nmodels--gone/blobs/x\nmodels--org--name/blobs/abc\n"
    )
    blob = recording.hf_cache / REPO / "blobs" / "abc"
    blob.unlink()
    blob.symlink_to(f"../../blobs/ab/{XET}")
    manifest = bake(recording, tmp_path / "bake")
    assert manifest.hub == {"repos": 1, "files": 1, "bytes": len(b"weights")}
    unpack(tmp_path / "bake", tmp_path / "to")
    found = tmp_path / "to" / "hf_cache" / "hub" / "blobs"
    assert sorted(p.name for p in found.rglob("*") if p.is_file()) == [
        ".huggingface-shared-blobs", XET, f"{XET}.refs",
    ]  # fmt: skip
    assert (found / "ab" / f"{XET}.refs").read_text() == "models--org--name/blobs/abc\n"
    assert (found / "ab" / XET).stat().st_mode & 0o777 == 0o644
    hub_cache.view(tmp_path / "to" / "hf_cache", tmp_path / "view")
    snapshot = tmp_path / "view" / REPO / "snapshots" / COMMIT / "model.bin"
    assert snapshot.read_bytes() == b"weights"
    assert (tmp_path / "view" / "hub" / "blobs" / "ab" / XET).is_symlink()


def test_what_huggingface_hub_shares_is_baked_the_same_in_whatever_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own functions make and read the store; the order of downloads is in its ``.refs``."""
    shared_blobs = pytest.importorskip(
        "huggingface_hub.utils._shared_blobs", reason="huggingface_hub shares blobs from 2.4 on"
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    blobs, digests = ["models--org--name/blobs/abc", "models--org--more/blobs/abc"], set()
    for number, order in enumerate((blobs, blobs[::-1])):
        recording = make_sample(tmp_path / str(number))
        hub = recording.hf_cache / "hub"
        hub.chmod(0o700)  # its blobs are 0400 then
        shutil.copytree(hub / "models--org--name", hub / "models--org--more", symlinks=True)
        for blob in order:
            assert shared_blobs.publish_blob_to_shared_store(
                blob_path=str(hub / blob), xet_hash=XET, cache_dir=hub, expected_size=7
            )
        shared = shared_blobs.shared_blob_path(hub, XET)
        assert shared.stat().st_mode & 0o777 == 0o400
        assert Path(f"{shared}.refs").read_text().split() == order
        digests.add(bake(recording, tmp_path / f"bake{number}").digest)
    assert len(digests) == 1
    unpack(tmp_path / "bake0", tmp_path / "to")
    hub = tmp_path / "to" / "hf_cache" / "hub"
    assert shared_blobs.shared_store_blob_paths(hub) == {shared_blobs.shared_blob_path(hub, XET)}
    assert shared_blobs.shared_blob_path(hub, XET).stat().st_mode & 0o777 == 0o644
    assert not shared_blobs.unreferenced_shared_blobs(hub)
    for blob in blobs:
        assert shared_blobs.shared_blob_target(hub / blob, hub)
        assert (hub / blob).read_bytes() == b"weights"


def test_what_no_replay_asked_for_is_pruned_and_reported(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    with pytest.raises(UsageError, match="no replay"):
        bake(recording, tmp_path / "bake", Options(since=1))
    name = "2026112{}T101502.123456Z-replay_strict-9f2c"
    add_run(recording, name.format(2), [request_event("http://example.org/1")])
    add_run(recording, name.format(3), [request_event("http://example.org/2")])
    add_run(recording, name.format(4), [request_event("http://example.org/0")])
    manifest = bake(recording, tmp_path / "bake", Options(since=2))
    assert manifest.store["takes"] == 2
    assert describe_pruned(manifest).endswith(
        f"39 takes of {(sum(len(f'body {n}') for n in range(40)) + len(BODY) - 12) / 1000:.1f} kB"
        " that no replay asked for"
    )
    pruned = [item.path for item in manifest.left_out if "replay" in item.why]
    assert f"http_cache: GET http://example.org/large/0 (take 0, {len(BODY)} bytes)" in pruned
    assert verify(tmp_path / "bake").store["bodies"] == 2
    unpack(tmp_path / "bake", tmp_path / "to")
    with closing(store.connect_readonly(Recording(tmp_path / "to").store)) as connection:
        for table in ("uses", "identities"):
            keys = connection.execute(f"SELECT DISTINCT key FROM {table}").fetchall()
            assert len(keys) == 2, table
    assert store.check(recording.store)["takes"] == 41, "the recording is left as it is"


def test_zstd_holds_the_same_tar_and_replaces_another_bake(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    plain = bake(recording, tmp_path / "bake")
    first = bake(recording, tmp_path / "bake", Options(compression="zstd"))
    names = sorted(p.name for p in (tmp_path / "bake").iterdir())
    assert names == ["hf_cache.tar.zst", "http_cache.tar.zst", "manifest.json"]
    for root in ("http_cache", "hf_cache"):
        packed, other = first.archives[f"{root}.tar.zst"], plain.archives[f"{root}.tgz"]
        assert packed.tar_sha256 == other.tar_sha256
    assert verify(tmp_path / "bake") == first
    assert bake(recording, tmp_path / "two", Options(compression="zstd")) == first
    unpack(tmp_path / "bake", tmp_path / "to")
    archive = tmp_path / "bake" / "http_cache.tar.zst"
    data = archive.read_bytes()
    for bad in (data[:-7], data[:40] + bytes([data[40] ^ 1]) + data[41:], data + b"x"):
        archive.write_bytes(bad)
        with pytest.raises(DamagedError):
            verify(tmp_path / "bake")
    bake(recording, tmp_path / "bake")
    assert contents(tmp_path / "bake")


def test_the_store_does_not_say_which_sqlite_wrote_it(tmp_path: Path) -> None:
    bake(make_sample(tmp_path / "sample"), tmp_path / "bake")
    with tarfile.open(tmp_path / "bake" / "http_cache.tgz") as tar:
        stream = tar.extractfile("http_cache/requests_cache.sqlite")
        assert stream is not None
        data = stream.read()
    assert data[96:100] == bytes(4)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(data)
    with closing(sqlite3.connect(copy)) as connection:  # still an ordinary store
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("CREATE TABLE more (x)")


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17])
@pytest.mark.parametrize("kind", ["text", "noise"])
def test_gzip_is_a_member_for_each_block_that_anybody_reads(size: int, kind: str) -> None:
    seed = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(1024))
    data = (b"some words, again and again; " if kind == "text" else seed) * (size // 29 + 1)
    data = data[:size]
    out = io.BytesIO()
    writer = GzipWriter(out)
    for at in range(0, size, 100_003):
        writer.write(data[at : at + 100_003])
    writer.close()
    assert gzip.decompress(out.getvalue()) == data
    told = subprocess.run(["gzip", "-dc"], input=out.getvalue(), capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (data, b"")
    left, blocks = out.getvalue(), []
    while left:  # to the last byte
        assert left[3:8] == bytes(5)  # no name, no time
        reader = zlib.decompressobj(31)
        blocks.append(reader.decompress(left))
        assert reader.eof
        left = reader.unused_data
    assert [len(block) for block in blocks] == (
        [BLOCK] * (size // BLOCK) + ([size % BLOCK] if size % BLOCK or not size else [])
    )
    if kind == "text":
        assert len(out.getvalue()) < size / 50 + 200


def test_a_previous_unpack_is_not_replaced_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake(make_sample(tmp_path / "sample"), tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "to")
    inode = (tmp_path / "to" / "manifest.json").stat().st_ino
    monkeypatch.setattr(
        "recordbake.bake.unpacking.recording_lock",
        lambda path, *, shared: recording_lock(path, shared=shared, seconds=0.2),
    )
    with recording_lock(tmp_path / "to", shared=True), pytest.raises(BusyError):
        unpack(tmp_path / "bake", tmp_path / "to")
    assert (tmp_path / "to" / "manifest.json").stat().st_ino == inode
    unpack(tmp_path / "bake", tmp_path / "to")
    assert (tmp_path / "to" / "manifest.json").stat().st_ino != inode


def test_further_disk_caches_are_private_and_kept_with_the_hubs(tmp_path: Path) -> None:
    environ = command_environment(
        {"TORCH_HOME": "/warm"}, hook=tmp_path, hf_home=tmp_path / "hf",
        cache_home=tmp_path / "cache", disk_caches=["TORCH_HOME", "NLTK_DATA"],
    )  # fmt: skip
    assert environ["TORCH_HOME"] == str(tmp_path / "hf" / "disk_caches" / "TORCH_HOME")
    assert environ["NLTK_DATA"] == str(tmp_path / "hf" / "disk_caches" / "NLTK_DATA")
    with pytest.raises(UsageError, match="not the name of a variable"):
        command_environment(
            {}, hook=tmp_path, hf_home=tmp_path, cache_home=tmp_path, disk_caches=["../x"]
        )


def test_a_disk_cache_is_baked(tmp_path: Path) -> None:
    recording = make_sample(tmp_path / "sample")
    weights = recording.hf_cache / "disk_caches" / "TORCH_HOME" / "hub" / "checkpoints"
    weights.mkdir(parents=True)
    (weights / "resnet.pth").write_bytes(BODY)
    bake(recording, tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "to")
    path = weights.relative_to(recording.path) / "resnet.pth"
    assert (tmp_path / "to" / path).read_bytes() == BODY
