"""The image that a bake is appended to: an OCI layout, or what ``docker save`` wrote, as a tar."""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import IO, TYPE_CHECKING, Any

from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

#: How media types of images begin (image-spec, media-types.md).
TYPES = "application/vnd.oci.image"
_JSON_LIMIT = 8 << 20
_CHUNK = 1 << 20


class Base:
    """A base image.

    Args:
        path: the tar; None: nothing to append to.

    Raises:
        DamagedError: it cannot be read.
    """

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
                found = _json(tar, blob(one["digest"]))
            self.config = _json(tar, blob(found["config"]["digest"]))
            self.layers = found["layers"]
            for layer in self.layers:
                self.blobs[layer["digest"]] = (blob(layer["digest"]), layer["size"])
            return
        (found,) = _json(tar, "manifest.json")
        self.config = _json(tar, found["Config"])
        for name in found["Layers"]:
            digest, size = _digest(member(tar, name))
            self.layers.append(
                {"mediaType": f"{TYPES}.layer.v1.tar", "digest": digest, "size": size}
            )
            self.blobs[digest] = (name, size)


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file in a tar.

    Raises:
        KeyError: there is none.
        ValueError: it is no file.
    """
    stream = tar.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is no file")
    return stream


def _json(tar: tarfile.TarFile, name: str) -> Any:
    return json.loads(member(tar, name).read(_JSON_LIMIT))


def blob(digest: str) -> str:
    """Where a layout has a blob (image-layout.md)."""
    return "blobs/" + digest.replace(":", "/")


def _digest(stream: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while data := stream.read(_CHUNK):
        digest.update(data)
        size += len(data)
    return f"sha256:{digest.hexdigest()}", size
