"""The bake as layers of an OCI image, without any engine: for docker load, podman load, skopeo.

Formats: https://github.com/opencontainers/image-spec (image-layout.md, manifest.md, config.md,
layer.md), and the ``manifest.json`` of ``docker save``, which older engines read.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import recordbake
from recordbake.bake.archive import write_archive
from recordbake.bake.manifest import HTTP, HUB, MANIFEST_NAME
from recordbake.bake.members import Member
from recordbake.errors import DamagedError
from recordbake.hook_dir import sitecustomize_source

if TYPE_CHECKING:
    from recordbake.bake.manifest import ArchiveInfo, Manifest

ROOT = "opt/recordbake"
_TYPES = "application/vnd.oci.image"
_LAYER = f"{_TYPES}.layer.v1.tar+gzip"
_JSON_LIMIT = 8 << 20
_CHUNK = 1 << 20
#: As in the Dockerfile. HF_HUB_OFFLINE is not set: the recorded answers let the online code work.
_ENVIRONMENT = {
    "HTTP_CACHE_DIR": f"/{ROOT}/{HTTP}",
    "HF_HOME": f"/{ROOT}/{HUB}",
    "HF_HUB_CACHE": f"/{ROOT}/{HUB}/hub",
    "TRANSFORMERS_CACHE": f"/{ROOT}/{HUB}/hub",
    "HF_DATASETS_CACHE": f"/{ROOT}/{HUB}/datasets",
    "HF_HUB_DISABLE_XET": "1",
    "RECORDBAKE_MODE": "replay_strict",
    "HOME": "/tmp",  # noqa: S108 - must be writable for any user
}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAUNCHER = f"""#!/usr/bin/env python3
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/{ROOT}/lib")
from recordbake.cli import main

sys.exit(main())
"""


class _Base:
    """The image to append to: an OCI layout or what ``docker save`` wrote, as a tar."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.config: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {}}
        self.layers: list[dict[str, Any]] = []
        self.blobs: dict[str, tuple[str, int]] = {}  # digest -> member of the tar, size in bytes
        if path is not None:
            try:
                with tarfile.open(path) as tar:
                    self._read(tar)
            except (
                tarfile.TarError,
                OSError,
                ValueError,
                KeyError,
                TypeError,
                IndexError,
            ) as error:
                raise DamagedError(
                    f"the base image cannot be read: {error}",
                    where=path,
                    next_step="save it anew: podman save --format oci-archive -o BASE.tar IMAGE",
                ) from error

    def _read(self, tar: tarfile.TarFile) -> None:
        if "index.json" in tar.getnames():
            found = _json(tar, "index.json")
            while "manifests" in found:
                (one,) = found["manifests"]  # of several platforms one must be chosen before
                found = _json(tar, _blob(one["digest"]))
            self.config = _json(tar, _blob(found["config"]["digest"]))
            self.layers = found["layers"]
            for layer in self.layers:
                self.blobs[layer["digest"]] = (_blob(layer["digest"]), layer["size"])
            return
        (found,) = _json(tar, "manifest.json")
        self.config = _json(tar, found["Config"])
        for name in found["Layers"]:
            digest, size = _digest(_member(tar, name))
            self.layers.append(
                {"mediaType": f"{_TYPES}.layer.v1.tar", "digest": digest, "size": size}
            )
            self.blobs[digest] = (name, size)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = tar.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is no file")
    return stream


def _json(tar: tarfile.TarFile, name: str) -> Any:
    return json.loads(_member(tar, name).read(_JSON_LIMIT))


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _digest(stream: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while data := stream.read(_CHUNK):
        digest.update(data)
        size += len(data)
    return f"sha256:{digest.hexdigest()}", size


def write_image(
    out: Path, manifest: Manifest, members: dict[str, list[Member]], base: Path | None, work: Path
) -> str:
    """Write an image: the base, recordbake itself, the Hub caches, the store.

    Args:
        out: the tar to write, under a temporary name: it is incomplete until this returns.
        manifest: of the bake.
        members: of each archive.
        base: the image to append to; None: the layers alone, to be copied from.
        work: a directory for layers.

    Returns:
        The image's digest, ``sha256:...`` (of its configuration).

    Raises:
        DamagedError: the base cannot be read.
        OSError: the image cannot be written.
    """
    image = _Base(base)
    layers = [
        ("recordbake", _program()),
        (HUB, [_moved(member) for member in members[HUB]]),
        (HTTP, [*map(_moved, members[HTTP]), _file(MANIFEST_NAME, manifest.to_json())]),
    ]
    files: dict[str, Path] = {}
    created = datetime.fromtimestamp(manifest.created_at, timezone.utc)
    stamp = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    config = image.config
    config.setdefault("rootfs", {"type": "layers", "diff_ids": []})
    for name, found in layers:
        path = work / f"{name}.layer"
        info = write_archive(path, [*_parents(), *found], mtime=manifest.created_at)
        digest = f"sha256:{info.sha256}"
        files[digest] = path
        image.layers.append({"mediaType": _LAYER, "digest": digest, "size": info.size})
        _append(config, name, info, stamp)
    _configure(config, manifest, stamp)
    return _write(out, image, config, files)


def _append(config: dict[str, Any], name: str, info: ArchiveInfo, stamp: str) -> None:
    config["rootfs"]["diff_ids"].append(f"sha256:{info.tar_sha256}")
    config.setdefault("history", []).append(
        {"created": stamp, "created_by": f"recordbake bake --oci: {name}"}
    )


def _configure(config: dict[str, Any], manifest: Manifest, stamp: str) -> None:
    config["created"] = stamp
    inner = config["config"] = dict(config.get("config") or {})
    pairs = dict(pair.partition("=")[::2] for pair in inner.get("Env") or [_PATH])
    pairs["PATH"] = f"{pairs['PATH']}:/{ROOT}/bin" if "PATH" in pairs else f"/{ROOT}/bin"
    inner["Env"] = [f"{name}={value}" for name, value in {**pairs, **_ENVIRONMENT}.items()]
    inner["User"] = "65534:65534"
    inner["Labels"] = {
        **(inner.get("Labels") or {}),
        "org.opencontainers.image.created": stamp,
        "io.recordbake.manifest.digest": f"sha256:{manifest.digest}",
    }


def _parents() -> list[Member]:
    parts = ROOT.split("/")
    return [Member("/".join(parts[: end + 1])) for end in range(len(parts))]


def _moved(member: Member) -> Member:
    return replace(member, name=f"{ROOT}/{member.name}")


def _file(name: str, content: bytes, *, executable: bool = False) -> Member:
    return Member(f"{ROOT}/{name}", content=content, executable=executable)


def _program() -> list[Member]:
    """Recordbake itself: a strict replay needs the standard library only."""
    package = Path(recordbake.__file__).parent
    members = [Member(f"{ROOT}/lib"), Member(f"{ROOT}/bin")]
    members.append(_file("bin/recordbake", _LAUNCHER.encode(), executable=True))
    for path in sorted(package.rglob("*")):
        name = f"{ROOT}/lib/recordbake/{path.relative_to(package).as_posix()}"
        if "__pycache__" in path.parts or name.endswith("_sitecustomize.py"):
            continue
        members.append(Member(name) if path.is_dir() else Member(name, source=path))
    members.append(Member(f"{ROOT}/lib/recordbake"))
    site = f"{ROOT}/lib/recordbake/guest/_sitecustomize.py"
    members.append(Member(site, source=sitecustomize_source()))
    return members


def _write(out: Path, image: _Base, config: dict[str, Any], files: dict[str, Path]) -> str:
    config_data = _canonical(config)
    config_digest = f"sha256:{hashlib.sha256(config_data).hexdigest()}"
    document = _canonical(
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPES}.manifest.v1+json",
            "config": _descriptor(f"{_TYPES}.config.v1+json", config_data),
            "layers": image.layers,
        }
    )
    described = _descriptor(f"{_TYPES}.manifest.v1+json", document)
    index = _canonical(
        {"schemaVersion": 2, "mediaType": f"{_TYPES}.index.v1+json", "manifests": [described]}
    )
    docker = _canonical(
        [
            {
                "Config": _blob(config_digest),
                "RepoTags": None,
                "Layers": [_blob(layer["digest"]) for layer in image.layers],
            }
        ]
    )
    small = {
        _blob(config_digest): config_data, _blob(described["digest"]): document,
        "index.json": index, "manifest.json": docker,
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }  # fmt: skip
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("blobs", "blobs/sha256"):
            tar.addfile(_info(name, 0, directory=True))
        for name in sorted(small):
            tar.addfile(_info(name, len(small[name])), io.BytesIO(small[name]))
        for digest in sorted(files):
            with files[digest].open("rb") as stream:
                tar.addfile(_info(_blob(digest), files[digest].stat().st_size), stream)
        if image.path is not None:
            with tarfile.open(image.path) as base:
                for digest in sorted(set(image.blobs) - set(files)):
                    name, size = image.blobs[digest]
                    tar.addfile(_info(_blob(digest), size), _member(base, name))
    return config_digest


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _info(name: str, size: int, *, directory: bool = False) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o755 if directory else 0o644
    if directory:
        info.type = tarfile.DIRTYPE
    return info
