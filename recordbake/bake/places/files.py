"""Any URL that fsspec knows: ``file:``, ``s3:``, ``gs:``, ``az:``, ``http:`` (to fetch) and others.

https://filesystem-spec.readthedocs.io. Below the URL stand ``manifest.json`` and
``blobs/<sha256>``: an archive's name is its digest, so that nobody overwrites what another reads;
that of a part has its number behind it. A bake that was copied there as it is can be fetched, too.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from recordbake.bake.manifest import MANIFEST_NAME
from recordbake.bake.places.place import CHUNK, MANIFEST_LIMIT, Part, copy, parts, write_all
from recordbake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo, Manifest


class Files:
    """A directory of a file system of fsspec.

    Args:
        url: the directory.

    Raises:
        UsageError: fsspec does not know the URL.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        try:
            self._files, path = url_to_fs(url)
        except ValueError as error:
            raise UsageError(
                str(error),
                where=url,
                next_step="give a URL that fsspec knows, such as s3://BUCKET/DIR",
            ) from error
        self._root = path.rstrip("/")

    def send(self, bake_dir: Path, manifest: Manifest, advance: Callable[[int], None]) -> None:
        """Upload what is missing, the manifest last."""
        if self._root.startswith(
            "/"
        ):  # else a bucket: it has no directories, and s3fs would make it
            self._files.makedirs(f"{self._root}/blobs", exist_ok=True)
        for name, info in manifest.archives.items():
            for part in parts(info.size):
                path = self._blob(info) + part.end
                if self._size(path) == part.size:
                    advance(part.size)
                    continue
                with (bake_dir / name).open("rb") as source, self._files.open(path, "wb") as sink:
                    source.seek(part.start)
                    write_all(_pieces(source, part.size), sink, advance)
        self._files.pipe_file(f"{self._root}/{MANIFEST_NAME}", manifest.to_json())

    def manifest(self) -> bytes:
        """The bytes of ``manifest.json``."""
        with self._files.open(f"{self._root}/{MANIFEST_NAME}", "rb") as stream:
            return bytes(stream.read(MANIFEST_LIMIT))

    def fetch(
        self, name: str, info: ArchiveInfo, target: Path, advance: Callable[[int], None]
    ) -> None:
        """Download an archive, from its parts or under its own name."""
        found = parts(info.size)
        blob = self._blob(info)
        if not self._files.exists(blob + found[0].end):
            blob, found = f"{self._root}/{name}", [Part("", 0, info.size)]
        with target.open("ab") as sink:
            advance(sink.tell())
            for part in found:
                if sink.tell() < part.start + part.size:
                    self._fetch(blob + part.end, part, sink, advance)

    def _fetch(
        self, path: str, part: Part, sink: IO[bytes], advance: Callable[[int], None]
    ) -> None:
        start, end = part.start, part.start + part.size
        try:
            with self._files.open(path, "rb") as source:
                source.seek(sink.tell() - start)
                copy(source, sink, advance, end)
        except ValueError:  # a web server without ranges: from the beginning, in one stream
            advance(start - sink.tell())
            sink.truncate(start)
            sink.seek(start)
            with self._files.open(path, "rb", block_size=0) as source:
                copy(source, sink, advance, end)

    def _blob(self, info: ArchiveInfo) -> str:
        return f"{self._root}/blobs/{info.sha256}"

    def _size(self, path: str) -> int:
        self._files.invalidate_cache()
        return int(self._files.size(path) or 0) if self._files.exists(path) else -1


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size and (data := stream.read(min(CHUNK, size))):
        size -= len(data)
        yield data
