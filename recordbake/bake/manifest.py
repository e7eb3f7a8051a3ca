"""``manifest.json``: what is in a bake and the digests that prove it.

The fields are those of docs/reference/formats.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from recordbake.bake.fields import count, counts, members_of, sha256, text
from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
MANIFEST_NAME = "manifest.json"
#: The directories of a bake, each the root of one archive's members.
HTTP, HUB = "http_cache", "hf_cache"
#: How archives are compressed, and how their names end. Docker's ADD unpacks the first kind.
SUFFIXES = {"gzip": ".tgz", "zstd": ".tar.zst"}
#: The archives of a bake with the default compression, and the root of each.
ARCHIVES = {HTTP + SUFFIXES["gzip"]: HTTP, HUB + SUFFIXES["gzip"]: HUB}

STORE_COUNTS = ("entries", "takes", "bodies", "body_bytes")
HUB_COUNTS = ("repos", "files", "bytes")
_SIZE_LIMIT = 256 << 20


@dataclass(frozen=True)
class ArchiveInfo:
    """What identifies one archive.

    Args:
        sha256: digest of the compressed file, hexadecimal.
        size: size of the compressed file in bytes.
        tar_sha256: digest of the tar inside, which does not depend on the compressor.
        tar_size: size of the tar inside in bytes.
        files: number of its members: directories, files and links.
    """

    sha256: str
    size: int
    tar_sha256: str
    tar_size: int
    files: int


@dataclass(frozen=True, order=True)
class LeftOut:
    """Something of the recording that is not in the bake.

    Args:
        path: relative to the recording, with ``/``.
        why: a few words.
    """

    path: str
    why: str


@dataclass(frozen=True)
class Manifest:
    """The description of a bake.

    Args:
        created_at: Unix seconds (UTC) given to every member: SOURCE_DATE_EPOCH, or when the
            newest entry was recorded; never the time of baking.
        archives: by file name.
        store: ``entries``, ``takes``, ``bodies``, ``body_bytes``.
        store_sha256: digest of the store's file, which names every body by its digest.
        hub: ``repos``, ``files``, ``bytes`` in the Hub cache.
        left_out: what was not taken along, sorted by path.
        versions: ``recordbake`` (that baked) and ``format`` (of the store).
    """

    created_at: int
    archives: dict[str, ArchiveInfo]
    store: dict[str, int]
    store_sha256: str
    hub: dict[str, int]
    left_out: tuple[LeftOut, ...]
    versions: dict[str, str | int]

    @property
    def roots(self) -> dict[str, str]:
        """The archives by file name, the store's first, and the root of each one's members."""
        return {name: name.partition(".")[0] for name in sorted(self.archives, reverse=True)}

    def to_json(self) -> bytes:
        """The bytes of ``manifest.json``; equal manifests give equal bytes."""
        document = {"v": VERSION, **asdict(self)}
        return with_digest(document)

    @property
    def digest(self) -> str:
        """The sha256 of ``manifest.json``: it names the bake as a whole."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @classmethod
    def from_json(cls, data: bytes, where: Path) -> Manifest:
        """Read a manifest strictly: exactly the documented fields with exactly their types.

        Args:
            data: the bytes of the file.
            where: the file, for messages.

        Raises:
            DamagedError: not JSON, of another version, or not what formats.md says.
        """
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"the manifest is damaged: {error}", where) from None
        version = document.get("v") if isinstance(document, dict) else None
        if type(version) is int and version != VERSION:
            raise DamagedError(
                f"the bake has format {version}, this recordbake reads format {VERSION}",
                where=where,
                next_step="use the recordbake that baked it, or bake again",
            )
        try:
            manifest = _parse(document)
        except ValueError as error:
            raise _damaged(f"the manifest is damaged: {error}", where) from None
        if json.loads(manifest.to_json()) != document:
            raise _damaged("the manifest is damaged: it is not what its sha256 was made of", where)
        return manifest


def load(path: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        DamagedError: missing, unreadable, or refused by :meth:`Manifest.from_json`.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise _damaged(f"there is no bake: {error.strerror}", path) from error
    if len(data) > _SIZE_LIMIT:
        raise _damaged(f"the manifest is larger than {_SIZE_LIMIT} bytes", path)
    return Manifest.from_json(data, path)


def with_digest(document: dict[str, Any]) -> bytes:
    """The bytes of a manifest: these fields, and ``sha256`` over them."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return _dump(rest | {"sha256": hashlib.sha256(_dump(rest)).hexdigest()})


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"


def _damaged(what: str, where: Path) -> DamagedError:
    return DamagedError(what, where=where, next_step="bake or fetch it again: recordbake bake")


def _parse(document: Any) -> Manifest:
    found = members_of(document, ("v", "sha256", *(field.name for field in fields(Manifest))), "it")
    count(found["v"], "v")
    sha256(found["sha256"], "sha256")
    archives = members_of(found["archives"], _archive_names(found["archives"]), "archives")
    if not isinstance(found["left_out"], list):
        raise ValueError("left_out is not a list")  # noqa: TRY004 - one error for all of them
    left_out = [members_of(item, ("path", "why"), "left_out") for item in found["left_out"]]
    versions = members_of(found["versions"], ("recordbake", "format"), "versions")
    return Manifest(
        created_at=count(found["created_at"], "created_at"),
        archives={name: _archive(value, name) for name, value in archives.items()},
        store=counts(found["store"], STORE_COUNTS, "store"),
        store_sha256=sha256(found["store_sha256"], "store_sha256"),
        hub=counts(found["hub"], HUB_COUNTS, "hub"),
        left_out=tuple(LeftOut(text(i["path"], "path"), text(i["why"], "why")) for i in left_out),
        versions={
            "recordbake": text(versions["recordbake"], "versions.recordbake"),
            "format": count(versions["format"], "versions.format"),
        },
    )


def archive_names(compression: str) -> tuple[str, ...]:
    """The file names of a bake's archives."""
    return tuple(root + SUFFIXES[compression] for root in (HTTP, HUB))


def _archive_names(value: Any) -> tuple[str, ...]:
    zstd = archive_names("zstd")
    return zstd if isinstance(value, dict) and set(value) == set(zstd) else tuple(ARCHIVES)


def _archive(value: Any, name: str) -> ArchiveInfo:
    found = members_of(value, tuple(field.name for field in fields(ArchiveInfo)), name)
    for key in ("sha256", "tar_sha256"):
        sha256(found[key], f"{key} of {name}")
    numbers = {key: count(found[key], key) for key in ("size", "tar_size", "files")}
    return ArchiveInfo(sha256=found["sha256"], tar_sha256=found["tar_sha256"], **numbers)
