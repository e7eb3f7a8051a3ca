"""Recordings to bake, and bakes made by hand, hostile ones among them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.bake import bake
from recordbake.bake.manifest import with_digest
from tests.support.sample import add_run, captured, make_recording, request_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from recordbake.recording import Recording

NAMES = ("http_cache.tgz", "hf_cache.tgz", "manifest.json")
BODY = bytes(range(256)) * 400
COMMIT = "c0ffee" * 6 + "c0ff"
#: SQL that changes one stored body by one letter.
CHANGE_ANSWER = (
    "UPDATE responses SET value = CAST(replace(CAST(value AS TEXT), 'body 7', 'body 8') AS BLOB)"
)


def make_hub(hf_cache: Path) -> None:
    """A Hub cache as huggingface_hub lays it out, with what must never be shipped."""
    repo = hf_cache / "hub" / "models--org--name"
    (repo / "blobs").mkdir(parents=True)
    (repo / "blobs" / "abc").write_bytes(b"weights")
    snapshot = repo / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "model.bin").symlink_to("../../blobs/abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    (repo / "blobs" / "def.incomplete").write_bytes(b"wei")
    (hf_cache / "hub" / ".locks").mkdir()
    (hf_cache / "hub" / ".locks" / "abc.lock").write_text("")
    (hf_cache / "token").write_text("hf_SECRETSECRET")
    (hf_cache / "stored_tokens").write_text("[ci]\nhf_token = hf_SECRETSECRET\n")


def make_sample(path: Path, *, large: Iterable[bytes] = (BODY,)) -> Recording:
    """A recording with inline and large bodies, a Hub cache and a run."""
    shards = path / "shards"
    entries = [captured(f"http://example.org/{n}", f"body {n}".encode()) for n in range(40)]
    entries[0].head.headers.append(("X-Repo-Commit", COMMIT))
    for n, body in enumerate(large):
        entries.append(captured(f"http://example.org/large/{n}", body, shards=shards))
    recording = make_recording(path / "recording", entries, shards)
    make_hub(recording.hf_cache)
    add_run(recording, "20261121T101502.123456Z-record-9f2c", [request_event("http://j.org/")])
    return recording


def baked(tmp_path: Path) -> Path:
    """A good bake."""
    bake(make_sample(tmp_path / "sample"), tmp_path / "bake")
    return tmp_path / "bake"


def contents(bake_dir: Path) -> dict[str, bytes]:
    """The bytes of a bake's files; fails if there are others."""
    assert sorted(p.name for p in bake_dir.iterdir()) == sorted(NAMES)
    return {name: (bake_dir / name).read_bytes() for name in NAMES}


def listing(directory: Path) -> list[str]:
    """Every path below a directory, and nothing of where it stands."""
    return sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*"))


@dataclass
class Item:
    """A tar member and its content."""

    info: tarfile.TarInfo
    data: bytes = b""

    @classmethod
    def of(
        cls, name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", link: str = ""
    ) -> Item:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644
        return cls(info, data)


def items(archive: Path) -> list[Item]:
    """An archive's members."""
    with tarfile.open(archive) as tar:
        return [
            Item(member, stream.read() if (stream := tar.extractfile(member)) else b"")
            if member.isreg()
            else Item(member)
            for member in tar
        ]


def pack(members: Iterable[Item]) -> bytes:
    """Members as the bytes of a tar, in the order given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for item in members:
            tar.addfile(item.info, io.BytesIO(item.data))
    return buffer.getvalue()


def replace_archive(bake_dir: Path, name: str, tar: bytes, files: int) -> None:
    """Put a tar of one's own into a bake, with a manifest that vouches for it."""
    packed = gzip.compress(tar, mtime=0)
    (bake_dir / name).write_bytes(packed)
    manifest = json.loads((bake_dir / "manifest.json").read_text())
    manifest["archives"][name] = {
        "sha256": hashlib.sha256(packed).hexdigest(),
        "size": len(packed),
        "tar_sha256": hashlib.sha256(tar).hexdigest(),
        "tar_size": len(tar),
        "files": files,
    }
    (bake_dir / "manifest.json").write_bytes(with_digest(manifest))


def rewrite(
    bake_dir: Path, change: Callable[[list[Item]], list[Item]], name: str = "hf_cache.tgz"
) -> None:
    """Change an archive's members and let the manifest vouch for the result."""
    members = change(items(bake_dir / name))
    replace_archive(bake_dir, name, pack(members), len(members))
