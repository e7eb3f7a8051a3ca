"""Hostile archives, full disks and kills: refused or survived, and nothing half-written."""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recordbake.bake import bake, unpack, verify
from recordbake.bake.manifest import with_digest
from recordbake.cli import main
from recordbake.errors import DamagedError
from recordbake.recording import Recording
from tests.support.bakes import (
    NAMES,
    Item,
    baked,
    contents,
    items,
    listing,
    make_sample,
    pack,
    replace_archive,
    rewrite,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).parents[2]


def assert_refused(tmp_path: Path, bake_dir: Path, why: str = "") -> None:
    """Both verify and unpack refuse with exit code 12 and leave nothing, here or outside."""
    before = listing(tmp_path)
    for action in (verify, lambda bake_dir: unpack(bake_dir, tmp_path / "to")):
        with pytest.raises(DamagedError, match=why) as caught:
            action(bake_dir)
        assert caught.value.exit_code == 12
        assert caught.value.next_step
    assert listing(tmp_path) == before


def special(name: str, kind: bytes) -> Item:
    return Item.of(name, kind)


def with_pax(name: str, **fields: str) -> Item:
    item = Item.of(name, data=b"x")
    item.info.pax_headers = fields
    return item


HOSTILE = {
    "traversal": [Item.of("hf_cache/../../evil", data=b"x")],
    "traversal at the start": [Item.of("../evil", data=b"x")],
    "absolute name": [Item.of("/tmp/evil", data=b"x")],
    "other root": [Item.of("evil", data=b"x")],
    "unclean name": [Item.of("hf_cache/./evil", data=b"x")],
    "name in an extended header": [with_pax("hf_cache/good", path="../evil")],
    "absolute link": [Item.of("hf_cache/l", tarfile.SYMTYPE, link="/etc/passwd")],
    "link out": [Item.of("hf_cache/l", tarfile.SYMTYPE, link="../../etc/passwd")],
    "link to the neighbour": [Item.of("hf_cache/l", tarfile.SYMTYPE, link="../http_cache")],
    "link in an extended header": [
        Item.of("hf_cache/l", tarfile.SYMTYPE, link="../" * 60 + "etc/passwd")
    ],
    "dangling link": [Item.of("hf_cache/l", tarfile.SYMTYPE, link="nowhere")],
    "link circle": [Item.of("hf_cache/l", tarfile.SYMTYPE, link="l")],
    "link out by way of links": [
        Item.of("hf_cache/a", tarfile.DIRTYPE),
        Item.of("hf_cache/a/b", tarfile.DIRTYPE),
        Item.of("hf_cache/q", tarfile.DIRTYPE),
        Item.of("hf_cache/a/b/l", tarfile.SYMTYPE, link="../../q"),
        Item.of("hf_cache/a/b/m", tarfile.SYMTYPE, link="l/../.."),
    ],
    "file through a link": [
        Item.of("hf_cache/l", tarfile.SYMTYPE, link="hub"),
        Item.of("hf_cache/l/evil", data=b"x"),
    ],
    "hard link out": [Item.of("hf_cache/h", tarfile.LNKTYPE, link="/etc/passwd")],
    "hard link inside": [
        Item.of("hf_cache/h", tarfile.LNKTYPE, link="hf_cache/hub/models--org--name/refs/main")
    ],
    "character device": [special("hf_cache/null", tarfile.CHRTYPE)],
    "block device": [special("hf_cache/disk", tarfile.BLKTYPE)],
    "fifo": [special("hf_cache/fifo", tarfile.FIFOTYPE)],
    "contiguous file": [special("hf_cache/c", tarfile.CONTTYPE)],
    "sparse file": [special("hf_cache/s", tarfile.GNUTYPE_SPARSE)],
    "sparse by extended header": [
        with_pax("hf_cache/s", **{"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50)})
    ],
    "nonsense in an extended header": [with_pax("hf_cache/s", **{"GNU.sparse.map": "x,y"})],
    "unknown extended header": [with_pax("hf_cache/s", **{"SCHILY.xattr.user.x": "1"})],
    "huge extended header": [with_pax("hf_cache/s", path="hf_cache/" + "x" * 100_000)],
    "file twice": [Item.of("hf_cache/f", data=b"1"), Item.of("hf_cache/f", data=b"2")],
    "directory, then link of its name": [
        Item.of("hf_cache/d", tarfile.DIRTYPE),
        Item.of("hf_cache/d", tarfile.SYMTYPE, link="hub"),
    ],
    "file without its directory": [Item.of("hf_cache/none/f", data=b"x")],
    "credential": [Item.of("hf_cache/token", data=b"hf_SECRET")],
    "name too long for a file system": [Item.of("hf_cache/" + "x" * 300, data=b"x")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_members_are_refused(tmp_path: Path, members: list[Item]) -> None:
    bake_dir = baked(tmp_path)
    rewrite(bake_dir, lambda good: good + members)
    if members[0].info.name.endswith("x" * 300):
        with pytest.raises(DamagedError):
            unpack(bake_dir, tmp_path / "to")
        assert not (tmp_path / "to").exists()
    else:
        assert_refused(tmp_path, bake_dir, "refused|damaged")
        assert main(["verify", str(bake_dir)]) == 12
        assert main(["unpack", str(bake_dir), "--to", str(tmp_path / "to")]) == 12
        assert sorted(p.name for p in tmp_path.iterdir()) == ["bake", "sample"]


@pytest.mark.parametrize(
    "name",
    [
        "http_cache/requests_cache.sqlite-journal",
        "http_cache/requests_cache.sqlite-wal",
        "http_cache/bodies/evil",
        "http_cache/bodies/ab/evil",
        "http_cache/evil",
    ],
)
def test_the_store_has_no_company(tmp_path: Path, name: str) -> None:
    def change(good: list[Item]) -> list[Item]:
        if "/ab/" in name:
            good.append(Item.of("http_cache/bodies/ab", tarfile.DIRTYPE))
        return [*good, Item.of(name, data=b"x")]

    bake_dir = baked(tmp_path)
    rewrite(bake_dir, change, "http_cache.tgz")
    assert_refused(tmp_path, bake_dir, "refused")


def test_the_store_is_no_link(tmp_path: Path) -> None:
    def change(good: list[Item]) -> list[Item]:
        kept = [item for item in good if not item.info.name.endswith(".sqlite")]
        link = Item.of("http_cache/requests_cache.sqlite", tarfile.SYMTYPE, link="bodies")
        return [*kept, link]

    bake_dir = baked(tmp_path)
    rewrite(bake_dir, change, "http_cache.tgz")
    assert_refused(tmp_path, bake_dir, "does not belong to a store")


def test_a_bomb_is_stopped_at_the_declared_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    good = items(bake_dir / "hf_cache.tgz")
    tar = pack([*good, Item.of("hf_cache/bomb", data=bytes(50 << 20))])
    replace_archive(bake_dir, "hf_cache.tgz", tar, len(good) + 1)
    manifest = (bake_dir / "manifest.json").read_text()
    changed = json.loads(manifest.replace(str(len(tar)), "3000000"))
    (bake_dir / "manifest.json").write_bytes(with_digest(changed))
    written: list[int] = []
    remove = shutil.rmtree

    def look_and_remove(path: Path, **options: bool) -> None:
        written.extend(p.stat().st_size for p in path.glob("tree/hf_cache/bomb"))
        remove(path, **options)

    monkeypatch.setattr("shutil.rmtree", look_and_remove)
    assert_refused(tmp_path, bake_dir, "the tar inside is larger than the manifest says")
    assert 0 < max(written) <= 3_000_000


def test_more_members_than_declared_are_refused(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    good = items(bake_dir / "hf_cache.tgz")
    extra = [Item.of(f"hf_cache/{n}") for n in range(1000)]
    replace_archive(bake_dir, "hf_cache.tgz", pack(good + extra), len(good))
    assert_refused(tmp_path, bake_dir, "more members than the manifest says")


def test_something_after_the_end_is_refused(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    good = items(bake_dir / "hf_cache.tgz")
    hidden = pack([Item.of("hf_cache/hidden", data=b"x")])
    replace_archive(bake_dir, "hf_cache.tgz", pack(good) + hidden, len(good))
    assert_refused(tmp_path, bake_dir, "after the end")


@pytest.mark.parametrize("name", NAMES)
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    bake_dir = baked(tmp_path)
    whole = (bake_dir / name).read_bytes()
    for size in (0, 1, 9, 20, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        (bake_dir / name).write_bytes(whole[:size])
        if name == "manifest.json" and size == len(whole) - 1:
            continue  # the last byte is a line end: nothing is missing
        assert_refused(tmp_path, bake_dir, "damaged|refused")


def test_a_truncated_tar_with_a_fitting_manifest_is_refused(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    good = items(bake_dir / "hf_cache.tgz")
    tar = pack(good)
    for size in (0, 1, 512, 700, tar.rfind(b"weights") + 3):
        replace_archive(bake_dir, "hf_cache.tgz", tar[:size], len(good))
        assert_refused(tmp_path, bake_dir, "damaged|refused")


@pytest.mark.parametrize("name", NAMES[:2])
def test_flipped_bits_are_refused(tmp_path: Path, name: str) -> None:
    bake_dir = baked(tmp_path)
    whole = (bake_dir / name).read_bytes()
    chance = random.Random(name)
    positions = [0, 3, 4, 9, 10, len(whole) - 1, *chance.sample(range(len(whole)), 40)]
    for position in positions:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        (bake_dir / name).write_bytes(damaged)
        assert_refused(tmp_path, bake_dir, "damaged|refused")


def test_flipped_bits_in_the_tar_never_end_in_a_traceback(tmp_path: Path) -> None:
    """The manifest vouches for them, so each ends well or as a DamagedError."""
    bake_dir = baked(tmp_path)
    good = items(bake_dir / "hf_cache.tgz")
    tar = pack(good)
    chance = random.Random(7)
    for n in range(150):
        damaged = bytearray(tar)
        damaged[chance.randrange(len(good) * 512)] ^= 1 << chance.randrange(8)
        replace_archive(bake_dir, "hf_cache.tgz", bytes(damaged), len(good))
        with suppress(DamagedError):
            unpack(bake_dir, tmp_path / f"to{n}")
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_stranger_in_place_of_an_archive_is_refused(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    for data in (b"", b"not gzip", gzip.compress(b"not tar"), gzip.compress(b"")):
        (bake_dir / "hf_cache.tgz").write_bytes(data)
        assert_refused(tmp_path, bake_dir, "damaged|refused")
    (bake_dir / "hf_cache.tgz").unlink()
    (bake_dir / "hf_cache.tgz").mkdir()
    assert_refused(tmp_path, bake_dir, "cannot be read")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts file systems of a given number of KiB."""
    libc = ctypes.CDLL(None, use_errno=True)
    mounted: list[Path] = []

    def mount(size: int) -> Path:
        path = tmp_path / f"disk{size}"
        path.mkdir()
        options = f"size={size}k".encode()
        if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options):
            reason = os.strerror(ctypes.get_errno())
            pytest.skip(f"a small file system cannot be mounted here: {reason}")
        mounted.append(path)
        return path

    if not sys.platform.startswith("linux"):
        pytest.skip("a small file system is mounted on Linux only")
    yield mount
    for path in mounted:
        libc.umount2(os.fsencode(path), 2)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("room", [16, 64, 200, 400])
def test_a_full_disk_leaves_no_bake(
    tmp_path: Path, small_disk: Callable[[int], Path], room: int
) -> None:
    recording = make_sample(tmp_path / "sample", large=[noise(500_000)])
    out = small_disk(room)
    with pytest.raises(DamagedError, match="full") as caught:
        bake(recording, out)
    assert caught.value.where
    assert caught.value.next_step.startswith("free space")
    assert listing(out) == []


@pytest.mark.parametrize("room", [64, 400, 700])
def test_a_full_disk_leaves_no_unpacked_bake(
    tmp_path: Path, small_disk: Callable[[int], Path], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake(make_sample(tmp_path / "sample", large=[noise(700_000)]), tmp_path / "bake")
    disk = small_disk(room)
    with pytest.raises(DamagedError, match=f"disk has {room * 1024} free"):
        unpack(tmp_path / "bake", disk / "to")
    monkeypatch.setattr("recordbake.bake.unpacking._check_space", lambda *_: None)
    with pytest.raises(DamagedError, match="the disk is full"):
        unpack(tmp_path / "bake", disk / "to")
    assert listing(disk) == []


KILLED = """
import sys
from pathlib import Path
from huggingface_hub import scan_cache_dir  # now, or most kills would come while it is imported
from recordbake.bake import bake, unpack
from recordbake.recording import Recording
what, source, target = sys.argv[1], *map(Path, sys.argv[2:])
print("ready", flush=True)
while True:
    bake(Recording(source), target) if what == "bake" else unpack(source, target)
    print("done", flush=True)
"""


def kill_in_the_middle(*arguments: str | Path, after: float) -> None:
    """Start baking or unpacking over and over, and SIGKILL it a moment later."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the import failed"
    time.sleep(after)
    process.kill()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "it ended by itself: with an error"


MOMENTS = [0.002 * n for n in range(1, 26)]


def test_kill_while_baking_leaves_no_half_written_bake(tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample", large=[noise(300_000), noise(200_000)])
    good = bake(sample, tmp_path / "good")
    expected = contents(tmp_path / "good")
    out = tmp_path / "out"
    left = 0
    for after in MOMENTS:
        kill_in_the_middle("bake", sample.path, out, after=after)
        for name in NAMES:
            if (out / name).exists():
                assert (out / name).read_bytes() == expected[name]
        left += any(p.name.startswith(".baking-") for p in out.glob("*"))
    assert left, "no kill came in the middle"
    bake(sample, out)
    assert contents(out) == expected  # what the killed ones left is gone, too
    assert verify(out) == good


def test_kill_while_unpacking_leaves_no_half_written_tree(tmp_path: Path) -> None:
    sample = make_sample(tmp_path / "sample", large=[noise(300_000), noise(200_000)])
    bake(sample, tmp_path / "bake")
    unpack(tmp_path / "bake", tmp_path / "good")
    expected = listing(tmp_path / "good")
    target = tmp_path / "work" / "to"
    left = 0
    for n, after in enumerate(MOMENTS):
        kill_in_the_middle("unpack", tmp_path / "bake", target, after=after)
        if target.exists():
            assert sorted({*listing(target)} - {".lock"}) == expected  # held when it was killed
            bake(Recording(target), tmp_path / "again")  # reads and checks all of it
        left += any(p.name.startswith(".to.unpacking-") for p in target.parent.glob(".*"))
        if n % 5 == 0 and target.exists():
            target.rename(tmp_path / f"gone{n}")
    assert left, "no kill came in the middle"
    unpack(tmp_path / "bake", target)
    assert [p.name for p in target.parent.iterdir()] == ["to"]
    assert listing(target) == expected
