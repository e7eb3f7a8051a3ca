"""Moving a bake to where a team keeps such things, and back: any URL that fsspec knows.

https://filesystem-spec.readthedocs.io: ``file:``, ``s3:``, ``gs:``, ``az:``, ``http:`` (pull) and
others. Below the URL stand ``manifest.json`` and
``blobs/<sha256>``: an archive's name is its digest, so that a push that was cut off goes on where
it was, the manifest comes last, and who pulls meanwhile gets the one bake or the other, whole.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from recordbake.bake.manifest import MANIFEST_NAME, Manifest, load
from recordbake.bake.unpacking import verify
from recordbake.bake.workspace import explaining
from recordbake.errors import DamagedError, RecordbakeError, TransferError, UsageError
from recordbake.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_MANIFEST_LIMIT = 256 << 20


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Turn what a file system of fsspec raises into an error for people."""
    try:
        yield
    except RecordbakeError:
        raise
    except FileNotFoundError as error:
        raise TransferError(
            "there is no bake", where=url, next_step="push one: recordbake push BAKE URL"
        ) from error
    except ImportError as error:
        raise UsageError(
            f"this kind of URL needs a package: {error}", where=url, next_step="pip install it"
        ) from error
    except Exception as error:  # each file system has errors of its own
        raise TransferError(
            f"the transfer failed: {type(error).__name__}: {error}",
            where=url,
            next_step="run the same command again: it goes on where it was",
        ) from error


def _file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    from fsspec.core import url_to_fs

    try:
        found, path = url_to_fs(url)
    except ValueError as error:
        raise UsageError(
            str(error), where=url, next_step="give a URL that fsspec knows, such as s3://BUCKET/DIR"
        ) from error
    return found, path.rstrip("/")


def push(bake_dir: Path, url: str) -> Manifest:
    """Verify a bake and upload it; archives that are there already are not sent again.

    Args:
        bake_dir: the bake.
        url: where to.

    Returns:
        The manifest.

    Raises:
        DamagedError: the bake is damaged.
        TransferError: it could not be sent.
        UsageError: the URL is of no known kind.
    """
    manifest = verify(bake_dir)
    with _reaching(url):
        files, root = _file_system(url)
        files.makedirs(f"{root}/blobs", exist_ok=True)
        total = sum(info.size for info in manifest.archives.values())
        with progress("pushing", total) as advance:
            for name, info in manifest.archives.items():
                target = f"{root}/blobs/{info.sha256}"
                if _size(files, target) != info.size:
                    with (bake_dir / name).open("rb") as source, files.open(target, "wb") as sink:
                        _copy(source, sink, advance)
        files.pipe_file(f"{root}/{MANIFEST_NAME}", manifest.to_json())
    return manifest


def _size(files: Any, path: str) -> int:
    files.invalidate_cache()
    return int(files.size(path) or 0) if files.exists(path) else -1


def _copy(source: IO[bytes], sink: IO[bytes], advance: Callable[[int], None]) -> None:
    while data := source.read(_CHUNK):
        sink.write(data)
        advance(len(data))


def pull(url: str, to: Path) -> Manifest:
    """Download a bake, going on where an earlier pull was cut off, and verify it.

    Args:
        url: where it was pushed to.
        to: the directory to write to; a bake in it is replaced once the new one is verified.

    Returns:
        The manifest.

    Raises:
        DamagedError: what arrived is damaged; nothing of it is left.
        TransferError: it could not be fetched; what arrived is kept for the next time.
        UsageError: the URL is of no known kind.
    """
    with explaining("the bake cannot be written", to):
        with _reaching(url):
            files, root = _file_system(url)
            with files.open(f"{root}/{MANIFEST_NAME}", "rb") as stream:
                manifest = Manifest.from_json(stream.read(_MANIFEST_LIMIT), to / MANIFEST_NAME)
        work = to / f".pulling-{manifest.digest[:16]}"
        work.mkdir(parents=True, exist_ok=True)
        total = sum(info.size for info in manifest.archives.values())
        with progress("pulling", total) as advance, _reaching(url):
            for name, info in manifest.archives.items():
                _fetch(files, f"{root}/blobs/{info.sha256}", work / name, info.size, advance)
        (work / MANIFEST_NAME).write_bytes(manifest.to_json())
        try:
            _check(manifest, work)
            verify(work)
        except DamagedError:
            shutil.rmtree(work)
            raise
        _publish(work, to)
    return manifest


def _fetch(files: Any, path: str, target: Path, size: int, advance: Callable[[int], None]) -> None:
    with target.open("ab") as sink:
        there = sink.tell()
        advance(min(there, size))
        if there >= size:
            return
        with files.open(path, "rb") as source:
            source.seek(there)
            _copy(source, sink, advance)


def _check(manifest: Manifest, work: Path) -> None:
    """Compare digests first: a clear word before anything is unpacked."""
    for name, info in manifest.archives.items():
        digest = hashlib.sha256()
        with (work / name).open("rb") as stream:
            while data := stream.read(_CHUNK):
                digest.update(data)
        if digest.hexdigest() != info.sha256:
            raise DamagedError(
                "an archive arrived damaged",
                where=work / name,
                next_step="pull again; if it stays so, push the bake again",
            )


def _publish(work: Path, to: Path) -> None:
    manifest = load(work / MANIFEST_NAME)
    (to / MANIFEST_NAME).unlink(missing_ok=True)
    for name in (*manifest.roots, MANIFEST_NAME):
        (work / name).replace(to / name)
    shutil.rmtree(work)
