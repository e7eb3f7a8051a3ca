"""The archive writer: bytes that depend on names and contents only."""

from __future__ import annotations

import gzip
import hashlib
import random
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from recordbake.bake.archive import write_archive
from recordbake.bake.members import Member
from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

MTIME = 1_700_000_000


@pytest.fixture
def members(tmp_path: Path) -> list[Member]:
    (tmp_path / "plain").write_bytes(b"plain")
    (tmp_path / "plain").chmod(0o400)
    (tmp_path / "script").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "script").chmod(0o700)
    return [
        Member("r/z-link", link="a/plain"),
        Member("r/a/plain", source=tmp_path / "plain"),
        Member("r/a-b", source=tmp_path / "script"),
        Member("r/a"),
        Member("r/é" + "long" * 60, source=tmp_path / "plain"),
        Member("r/\udcff", source=tmp_path / "plain"),
        Member("r"),
    ]


def test_members_are_sorted_by_bytes_and_normalised(tmp_path: Path, members: list[Member]) -> None:
    write_archive(tmp_path / "x.tgz", members, mtime=MTIME)
    with tarfile.open(tmp_path / "x.tgz", encoding="utf-8", errors="surrogateescape") as tar:
        found = tar.getmembers()
    names = [m.name for m in found]
    assert names == sorted(names, key=lambda n: n.encode("utf-8", "surrogateescape"))
    assert set(names) == {m.name for m in members}
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found} == {(0, 0, "", "", MTIME)}
    modes = {m.name: m.mode for m in found}
    assert (modes["r"], modes["r/a/plain"], modes["r/a-b"]) == (0o755, 0o644, 0o755)
    assert next(m.linkname for m in found if m.issym()) == "a/plain"


def test_order_of_members_does_not_matter(tmp_path: Path, members: list[Member]) -> None:
    first = write_archive(tmp_path / "1.tgz", members, mtime=MTIME)
    second = write_archive(tmp_path / "2.tgz", members[::-1], mtime=MTIME)
    assert first == second
    assert (tmp_path / "1.tgz").read_bytes() == (tmp_path / "2.tgz").read_bytes()


def test_gzip_header_names_neither_file_nor_time(tmp_path: Path, members: list[Member]) -> None:
    write_archive(tmp_path / "x.tgz", members, mtime=MTIME)
    header = (tmp_path / "x.tgz").read_bytes()[:10]
    assert header[3] == 0, "no flags: no name, no comment"
    assert header[4:8] == bytes(4), "no time"


def test_both_digests_are_right(tmp_path: Path, members: list[Member]) -> None:
    info = write_archive(tmp_path / "x.tgz", members, mtime=MTIME)
    packed = (tmp_path / "x.tgz").read_bytes()
    tar = gzip.decompress(packed)
    assert (info.sha256, info.size) == (hashlib.sha256(packed).hexdigest(), len(packed))
    assert (info.tar_sha256, info.tar_size) == (hashlib.sha256(tar).hexdigest(), len(tar))
    assert info.files == len(members)


def test_content_must_have_its_digest(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"changed")
    member = Member("body", tmp_path / "body", sha256=hashlib.sha256(b"recorded").hexdigest())
    with pytest.raises(DamagedError, match="changed") as caught:
        write_archive(tmp_path / "x.tgz", [member], mtime=0)
    assert caught.value.where == str(tmp_path / "body")


def test_noise_is_stored_and_text_beside_it_shrinks_in_archives_that_anybody_reads(
    tmp_path: Path,
) -> None:
    noise = random.Random(0).randbytes(3 << 20)
    text = b"some words, again and again; " * (3 << 20 >> 5)
    (tmp_path / "noise").write_bytes(noise)
    (tmp_path / "text").write_bytes(text)
    files = [Member(name, source=tmp_path / name) for name in ("noise", "text")]
    first = write_archive(tmp_path / "x.tgz", files, mtime=MTIME)
    assert first == write_archive(tmp_path / "y.tgz", files[::-1], mtime=MTIME)
    assert (tmp_path / "x.tgz").read_bytes() == (tmp_path / "y.tgz").read_bytes()
    assert len(noise) < first.size < 1.001 * len(noise) + len(text) / 50
    with tarfile.open(tmp_path / "x.tgz") as tar:
        told = {name: tar.extractfile(name) for name in ("noise", "text")}
        assert {n: s.read() for n, s in told.items() if s} == {"noise": noise, "text": text}
    for name, content in (("noise", noise), ("text", text)):
        command = ["tar", "-xzOf", str(tmp_path / "x.tgz"), name]
        assert subprocess.run(command, capture_output=True, check=True).stdout == content
    with gzip.open(tmp_path / "x.tgz") as plain:
        content = plain.read()
    command = ["gzip", "-dc", str(tmp_path / "x.tgz")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == content
    assert hashlib.sha256(content).hexdigest() == first.tar_sha256
