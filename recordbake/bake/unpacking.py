"""Verifying a bake and unpacking it; both read every byte and trust none."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import seen_secrets
from recordbake.bake.manifest import ARCHIVES, HTTP, MANIFEST_NAME, load
from recordbake.bake.reading import read_archive
from recordbake.bake.receiving import Receiver
from recordbake.errors import DamagedError, UsageError
from recordbake.locks import recording_lock
from recordbake.progress import progress
from recordbake.workspace import explaining, sync_directory, temporary, workspace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from recordbake.bake.manifest import Manifest

_UNPACKED = {*ARCHIVES.values(), MANIFEST_NAME}
_RUNS = "runs"
#: What using an unpacked bake leaves in it: its runs, the file that readers lock, and what
#: recording into it does.
_USED = {_RUNS, ".lock", seen_secrets.NAME}


def _receive(doing: str, bake_dir: Path, manifest: Manifest, receiver: Receiver) -> None:
    total = sum(info.tar_size for info in manifest.archives.values())
    with progress(doing, total) as advance:
        for name, root in manifest.roots.items():
            info = manifest.archives[name]
            read_archive(bake_dir / name, info, root, receiver.take, advance)
    receiver.finish(manifest, bake_dir)


def verify(bake_dir: Path) -> Manifest:
    """Check every byte of a bake.

    Digests and sizes of both archives and of the tars inside, the number of members, SQLite's own
    integrity check, every answer and body against its digest, the store's counts, every link.
    The counts of the Hub cache are taken as they are.

    Args:
        bake_dir: the directory with ``manifest.json`` and the archives.

    Returns:
        The manifest.

    Raises:
        DamagedError: something is missing, damaged, hostile or not what the manifest says.
    """
    manifest = load(bake_dir / MANIFEST_NAME)
    with (
        explaining("the bake cannot be verified", Path(tempfile.gettempdir())),
        temporary("verify") as work,
    ):
        _receive("verifying", bake_dir, manifest, Receiver(work, whole=False))
    return manifest


def unpack(bake_dir: Path, to: Path) -> Manifest:
    """Verify a bake while unpacking it to ``http_cache/``, ``hf_cache/`` and ``manifest.json``.

    The work is done beside the target, which gets its name only when all is verified. A previous
    unpack is replaced and keeps its ``runs/``. Files are not forced to the disk one by one: after
    a power failure, unpack again.

    Args:
        bake_dir: the directory with ``manifest.json`` and the archives.
        to: the target; must not exist, be empty, or hold a previous unpack and nothing else.

    Returns:
        The manifest.

    Raises:
        DamagedError: as :func:`verify`, or the target cannot be written (a full disk, too).
        BusyError: a replay has been reading the previous unpack for 60 s.
        UsageError: the target holds something else.
    """
    target = to.resolve()
    manifest = load(bake_dir / MANIFEST_NAME)
    with (
        explaining("the bake cannot be unpacked", to),
        workspace(target.parent, f".{target.name}.unpacking-") as work,
    ):
        if _aside(target).is_dir() and not target.exists():  # killed between two renames
            _aside(target).rename(target)
        _check_target(target)
        _check_space(manifest, work, to)
        tree = work / "tree"
        tree.mkdir()
        _receive("unpacking", bake_dir, manifest, Receiver(tree, whole=True))
        (tree / MANIFEST_NAME).write_bytes(manifest.to_json())
        with _held(target):
            _publish(tree, target, work)
    return manifest


def _held(target: Path) -> AbstractContextManager[None]:
    """Keep replays out of a previous unpack while it is replaced; wait for those that read it."""
    if (target / MANIFEST_NAME).exists():
        return recording_lock(target, shared=False)
    return nullcontext()


def _check_space(manifest: Manifest, work: Path, to: Path) -> None:
    needed = sum(info.tar_size for info in manifest.archives.values())
    free = shutil.disk_usage(work).free
    if needed > free:
        raise DamagedError(
            f"the bake unpacks to {needed} bytes, the disk has {free} free",
            where=to,
            next_step="free space, then run the same command again",
        )


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    found = {p.name for p in target.iterdir()} if target.is_dir() else {target.name}
    unpacked = {HTTP, MANIFEST_NAME} <= found <= _UNPACKED | _USED
    if found and not unpacked:
        raise UsageError(
            f"the target holds something else: {min(found - _UNPACKED - _USED, default='no bake')}",
            where=target,
            next_step="choose a new or empty directory: recordbake unpack BAKE --to DIR",
        )


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _publish(tree: Path, target: Path, work: Path) -> None:
    """Put the finished tree in the target's place; two renames where there was a previous one."""
    previous = target.exists() and any(target.iterdir())
    if previous:
        _retire(target, work)  # what a kill left there
        target.rename(_aside(target))
    try:
        tree.rename(target)  # replaces an empty directory
    except OSError:
        if previous:
            _aside(target).rename(target)
        raise
    _retire(target, work)
    sync_directory(target.parent)


def _retire(target: Path, work: Path) -> None:
    """Take over the runs of the tree that was set aside, and remove it.

    It is deleted in ``work``: under its own name it is whole or not there, so that it can always
    be put back.
    """
    aside = _aside(target)
    if not aside.is_dir():
        return
    if (aside / _RUNS).is_dir() and not (target / _RUNS).exists():
        (aside / _RUNS).rename(target / _RUNS)
    aside.rename(Path(tempfile.mkdtemp(dir=work)) / "previous")
