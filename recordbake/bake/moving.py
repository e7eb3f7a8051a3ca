"""Moving a bake to where a team keeps such things, and back, whole or not at all.

What is there already is not sent or fetched again, so that a transfer that was cut off goes on;
what arrives is verified before it gets its name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recordbake.bake.manifest import MANIFEST_NAME, Manifest, load
from recordbake.bake.places import place_at
from recordbake.bake.unpacking import verify
from recordbake.errors import DamagedError, RecordbakeError, TransferError, UsageError
from recordbake.files import digest_of
from recordbake.progress import progress
from recordbake.workspace import explaining

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORK = ".pulling-"


@contextmanager
def _reaching(url: str, *, sending: bool = False) -> Iterator[None]:
    """Turn what a place raises into an error for people."""
    try:
        yield
    except RecordbakeError:
        raise
    except FileNotFoundError as error:
        if sending:
            raise TransferError(
                f"there is no such place: {error}",
                where=url,
                next_step="make the bucket or container before, or give another URL",
            ) from error
        raise TransferError(
            "there is no bake", where=url, next_step="push one: recordbake push BAKE URL"
        ) from error
    except ImportError as error:
        raise UsageError(
            f"this kind of URL needs a package: {error}",
            where=url,
            next_step="pip install 'recordbake[oci]'"
            if url.startswith("oci:")
            else "pip install it",
        ) from error
    except Exception as error:  # each library has errors of its own
        raise TransferError(
            f"the transfer failed: {type(error).__name__}: {error}",
            where=url,
            next_step="run the same command again: it goes on where it was",
        ) from error


def push(bake_dir: Path, url: str) -> Manifest:
    """Verify a bake and upload it; what is there already is not sent again.

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
    total = sum(info.size for info in manifest.archives.values())
    with _reaching(url, sending=True), progress("pushing", total) as advance:
        place_at(url).send(bake_dir, manifest, advance)
    return manifest


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
            place = place_at(url)
            manifest = Manifest.from_json(place.manifest(), to / MANIFEST_NAME)
        with _alone(to):
            work = _work(to, manifest)
            total = sum(info.size for info in manifest.archives.values())
            with progress("pulling", total) as advance, _reaching(url):
                for name, info in manifest.archives.items():
                    place.fetch(name, info, work / name, advance)
            (work / MANIFEST_NAME).write_bytes(manifest.to_json())
            try:
                _check(manifest, work)
                verify(work)
            except DamagedError:
                shutil.rmtree(work)
                raise
            _publish(work, to)
    return manifest


@contextmanager
def _alone(to: Path) -> Iterator[None]:
    """Wait for another process that pulls to the same directory."""
    to.mkdir(parents=True, exist_ok=True)
    handle = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _work(to: Path, manifest: Manifest) -> Path:
    """Where this bake arrives; what is left of others, which nobody will go on with, is removed."""
    work = to / f"{_WORK}{manifest.digest[:16]}"
    for other in to.glob(f"{_WORK}*"):
        if other != work:
            shutil.rmtree(other)
    work.mkdir(exist_ok=True)
    return work


def _check(manifest: Manifest, work: Path) -> None:
    """Compare digests first: a clear word before anything is unpacked."""
    for name, info in manifest.archives.items():
        if digest_of(work / name) != info.sha256:
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
