"""Baking: a recording in, two archives and a manifest out; the same recording, the same bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from recordbake import __version__, store
from recordbake.bake.archive import TIME_LIMIT, write_archive
from recordbake.bake.manifest import ARCHIVES, HUB_COUNTS, MANIFEST_NAME, LeftOut, Manifest
from recordbake.bake.members import Member, hub_members
from recordbake.bake.stored import copy_store
from recordbake.bake.workspace import explaining, sync_directory, workspace
from recordbake.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.bake.stored import StoreCopy
    from recordbake.recording import Recording


def bake(recording: Recording, out: Path) -> Manifest:
    """Bake a recording into ``http_cache.tgz``, ``hf_cache.tgz`` and ``manifest.json``.

    Never in it: journals, credentials, locks, what was not finished. Every member's time is
    SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/) or, without it,
    when the newest entry was recorded. A file in ``out`` has its final name only when all three
    are whole; the manifest comes last.

    Args:
        recording: what to bake; it may lie on a read-only file system.
        out: the directory to write to; created if needed, a bake in it is replaced.

    Returns:
        The manifest.

    Raises:
        DamagedError: the recording is damaged, or ``out`` cannot be written (a full disk, too).
        UsageError: ``out`` lies inside of what is baked, or SOURCE_DATE_EPOCH is not a number.
    """
    epoch = _source_date_epoch()
    _check_out(recording, out)
    with explaining("the bake cannot be written", out), workspace(out, ".baking-") as work:
        copied = work / "store"
        copied.mkdir()
        stored = copy_store(recording, copied)
        created_at = _clamp(stored.newest if epoch is None else epoch)
        hub, left_out = hub_members(recording.hf_cache, ARCHIVES["hf_cache.tgz"])
        members = {"http_cache.tgz": _store_members(recording, stored), "hf_cache.tgz": hub}
        manifest = Manifest(
            created_at=created_at,
            archives={
                name: write_archive(work / name, members[name], mtime=created_at)
                for name in ARCHIVES
            },
            store=stored.counts,
            hub=_hub_counts(recording.hf_cache / "hub"),
            left_out=tuple(sorted([*left_out, *_strangers(recording, stored)])),
            versions={"recordbake": __version__, "format": store.FORMAT},
        )
        _publish(manifest, work, out)
    return manifest


def _source_date_epoch() -> int | None:
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise UsageError(
            "SOURCE_DATE_EPOCH is not a number",
            where=value,
            next_step="set it to Unix seconds or unset it",
        ) from None


def _clamp(time: float) -> int:
    return int(min(max(time, 0), TIME_LIMIT))


def _check_out(recording: Recording, out: Path) -> None:
    for baked in (recording.http_cache, recording.hf_cache):
        if out.resolve().is_relative_to(baked.resolve()):
            raise UsageError(
                "the bake would be written into what is baked",
                where=out,
                next_step="choose another directory: recordbake bake --out DIR",
            )


def _store_members(recording: Recording, stored: StoreCopy) -> list[Member]:
    root = ARCHIVES["http_cache.tgz"]
    bodies = f"{root}/{recording.bodies.name}"
    prefixes = sorted({sha256[:2] for sha256 in stored.bodies})
    return [
        Member(root),
        Member(f"{root}/{recording.store.name}", source=stored.path),
        Member(bodies),
        *(Member(f"{bodies}/{prefix}") for prefix in prefixes),
        *(
            Member(f"{bodies}/{s[:2]}/{s}", store.body_path(recording.bodies, s), sha256=s)
            for s in stored.bodies
        ),
    ]


def _strangers(recording: Recording, stored: StoreCopy) -> list[LeftOut]:
    """What stands in the store's directory and does not belong to the store."""
    named = {recording.store, *(store.body_path(recording.bodies, s) for s in stored.bodies)}
    return [
        LeftOut(path.relative_to(recording.path).as_posix(), "no entry names it")
        for path in recording.http_cache.rglob("*")
        if path not in named and (path.is_symlink() or not path.is_dir())
    ]


def _hub_counts(hub: Path) -> dict[str, int]:
    """Repositories, files and bytes in the Hub cache, by huggingface_hub's own scan."""
    if not hub.is_dir():
        return dict.fromkeys(HUB_COUNTS, 0)
    try:
        from huggingface_hub import scan_cache_dir
    except ImportError:
        raise UsageError(
            "baking a Hub cache needs huggingface_hub",
            next_step="pip install recordbake, with its dependencies",
        ) from None
    found = scan_cache_dir(hub)
    return {
        "repos": len(found.repos),
        "files": sum(repo.nb_files for repo in found.repos),
        "bytes": found.size_on_disk,
    }


def _publish(manifest: Manifest, work: Path, out: Path) -> None:
    """Give the finished files their final names; without its manifest it is not a bake."""
    with (work / MANIFEST_NAME).open("wb") as stream:
        stream.write(manifest.to_json())
        stream.flush()
        os.fsync(stream.fileno())
    (out / MANIFEST_NAME).unlink(missing_ok=True)
    for name in (*ARCHIVES, MANIFEST_NAME):
        (work / name).replace(out / name)
    sync_directory(out)
