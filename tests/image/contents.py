"""Compare what two images hold of a bake: python3 contents.py IMAGE.tar IMAGE.tar (OCI archives).

Every file, directory and link below opt/recordbake that comes from the bake: name, kind, mode,
owner, time, size, digest. The tars around them are each builder's own and are not compared.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import IO, Any

ROOT = "opt/recordbake"
BAKED = tuple(f"{ROOT}/{name}" for name in ("http_cache", "hf_cache"))


def main() -> int:
    """Returns the exit code."""
    first, second = (listing(Path(name)) for name in sys.argv[1:])
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            print(f"{name}: {first.get(name)} {second.get(name)}", file=sys.stderr)
    if first != second or not first:
        return 1
    digest = hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()
    print(f"two images, one content: {len(first)} files, directories and links, {digest}")
    return 0


def listing(path: Path) -> dict[str, list[Any]]:
    """What an image holds of a bake, by name; later layers win."""
    found: dict[str, list[Any]] = {}
    with tarfile.open(path) as archive:
        index = json.load(member(archive, "index.json"))
        manifest = json.load(member(archive, blob(index["manifests"][0]["digest"])))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=member(archive, blob(layer["digest"]))) as tar:
                for entry in tar:
                    name = entry.name.strip("./")
                    if name.startswith(BAKED):
                        found[name] = describe(tar, entry)
    return found


def describe(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> list[Any]:
    content = tar.extractfile(entry) if entry.isreg() else None
    digest = hashlib.sha256(content.read()).hexdigest() if content else entry.linkname
    mode = None if entry.issym() else entry.mode & 0o7777  # Go writes the kind in it, too
    return [entry.type.decode(), mode, entry.uid, entry.gid, int(entry.mtime), entry.size, digest]


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = tar.extractfile(name)
    assert stream is not None
    return stream


def blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


if __name__ == "__main__":
    sys.exit(main())
