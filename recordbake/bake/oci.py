"""The bake as layers of an OCI image, without any engine: for docker load, podman load, skopeo.

Formats: https://github.com/opencontainers/image-spec (image-layout.md, manifest.md, config.md,
layer.md), and the ``manifest.json`` of ``docker save``, which older engines read.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from recordbake.bake.archive import write_archive
from recordbake.bake.manifest import HTTP, HUB, MANIFEST_NAME
from recordbake.bake.oci_base import TYPES, Base, blob, member
from recordbake.bake.oci_layers import ROOT, file, moved, parents, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo, Manifest
    from recordbake.bake.members import Member

_LAYER = f"{TYPES}.layer.v1.tar+gzip"
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


def write_image(  # noqa: PLR0913
    out: Path, manifest: Manifest, members: dict[str, list[Member]], *, base: Path | None,
    work: Path, advance: Callable[[int], None],
) -> str:  # fmt: skip
    """Write an image: the base, recordbake itself, the Hub caches, the store.

    Args:
        out: the tar to write, under a temporary name: it is incomplete until this returns.
        manifest: of the bake.
        members: of each archive.
        base: the image to append to; None: the layers alone, to be copied from.
        work: a directory for layers.
        advance: called with numbers of bytes read, for progress.

    Returns:
        The image's digest, ``sha256:...`` (of its configuration).

    Raises:
        DamagedError: the base cannot be read.
        OSError: the image cannot be written.
    """
    image = Base(base)
    layers = [
        ("recordbake", program()),
        (HUB, [moved(member) for member in members[HUB]]),
        (HTTP, [*map(moved, members[HTTP]), file(MANIFEST_NAME, manifest.to_json())]),
    ]
    files: dict[str, Path] = {}
    created = datetime.fromtimestamp(manifest.created_at, timezone.utc)
    stamp = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    config = image.config
    config.setdefault("rootfs", {"type": "layers", "diff_ids": []})
    for name, found in layers:
        path = work / f"{name}.layer"
        info = write_archive(path, [*parents(), *found], mtime=manifest.created_at, advance=advance)
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


def _write(out: Path, image: Base, config: dict[str, Any], files: dict[str, Path]) -> str:
    config_data = _canonical(config)
    config_digest = f"sha256:{hashlib.sha256(config_data).hexdigest()}"
    document = _canonical(
        {
            "schemaVersion": 2,
            "mediaType": f"{TYPES}.manifest.v1+json",
            "config": _descriptor(f"{TYPES}.config.v1+json", config_data),
            "layers": image.layers,
        }
    )
    described = _descriptor(f"{TYPES}.manifest.v1+json", document)
    index = _canonical(
        {"schemaVersion": 2, "mediaType": f"{TYPES}.index.v1+json", "manifests": [described]}
    )
    docker = _canonical(
        [
            {
                "Config": blob(config_digest),
                "RepoTags": None,
                "Layers": [blob(layer["digest"]) for layer in image.layers],
            }
        ]
    )
    small = {
        blob(config_digest): config_data, blob(described["digest"]): document,
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
                tar.addfile(_info(blob(digest), files[digest].stat().st_size), stream)
        if image.path is not None:
            with tarfile.open(image.path) as base:
                for digest in sorted(set(image.blobs) - set(files)):
                    name, size = image.blobs[digest]
                    tar.addfile(_info(blob(digest), size), member(base, name))
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
