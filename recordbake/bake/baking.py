"""Baking: a recording in, two archives and a manifest out; the same recording, the same bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake import __version__, store
from recordbake.bake import contents, hub_selection
from recordbake.bake.archive import TIME_LIMIT, write_archive
from recordbake.bake.manifest import (
    HUB,
    MANIFEST_NAME,
    SUFFIXES,
    Manifest,
    archive_names,
)
from recordbake.bake.oci import write_image
from recordbake.bake.secrets import not_looked_into, refuse_secrets
from recordbake.bake.stored import copy_store
from recordbake.errors import UsageError
from recordbake.progress import progress
from recordbake.scanning import scanner_for
from recordbake.workspace import explaining, sync_directory, workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo
    from recordbake.bake.members import Member
    from recordbake.bake.stored import StoreCopy
    from recordbake.recording import Recording


@dataclass(frozen=True)
class Options:
    """How to bake.

    Args:
        compression: ``gzip``, which Docker's ADD unpacks, or ``zstd``.
        since: leave out what none of this many latest replays asked for; None: nothing.
        allowed_secrets: digests of secrets that may be shipped.
        image: an OCI image to write, too, as a tar.
        base: the image to append to, as a tar.
        tell: called with a sentence about what was not looked into for secrets.
    """

    compression: str = "gzip"
    since: int | None = None
    allowed_secrets: tuple[str, ...] = ()
    image: Path | None = None
    base: Path | None = None
    tell: Callable[[str], None] = print


def bake(recording: Recording, out: Path, options: Options = Options()) -> Manifest:
    """Bake a recording into two archives and ``manifest.json``.

    Never in it: journals, credentials, locks, what was not finished, revisions of the Hub that no
    answer names. Every member's time is SOURCE_DATE_EPOCH
    (https://reproducible-builds.org/specs/source-date-epoch/) or, without it, when the newest
    entry was recorded. A file in ``out`` has its final name only when all three are whole; the
    manifest comes last.

    Args:
        recording: what to bake; it may lie on a read-only file system.
        out: the directory to write to; created if needed, a bake in it is replaced.
        options: how.

    Returns:
        The manifest.

    Raises:
        DamagedError: the recording is damaged, or ``out`` cannot be written (a full disk, too).
        UsageError: ``out`` lies inside of what is baked, SOURCE_DATE_EPOCH is not a number, or
            what an option needs is not there.
        SecretError: a secret would be shipped.
    """
    epoch = _source_date_epoch()
    _check_out(recording, out)
    with explaining("the bake cannot be written", out), workspace(out, ".baking-") as work:
        copied = work / "store"
        copied.mkdir()
        stored = copy_store(recording, copied, options.since)
        created_at = _clamp(stored.newest if epoch is None else epoch)
        members, left_out = contents.of(recording, stored)
        _scan(recording, stored, members, options)
        manifest = Manifest(
            created_at=created_at,
            archives=_write(work, members, created_at, options.compression),
            store=stored.counts,
            store_sha256=stored.sha256,
            hub=hub_selection.counts(members[HUB]),
            left_out=tuple(sorted(left_out)),
            versions={"recordbake": __version__, "format": store.FORMAT},
        )
        if options.image is not None:
            _write_image(options.image, manifest, members, options.base, work)
        _publish(manifest, work, out)
    return manifest


def _write_image(
    image: Path, manifest: Manifest, members: dict[str, list[Member]], base: Path | None, work: Path
) -> None:
    image.parent.mkdir(parents=True, exist_ok=True)
    temporary = image.with_name(f".{image.name}.{os.getpid()}.tmp")
    try:
        with progress("writing the image", sum(map(_total, members.values()))) as advance:
            write_image(temporary, manifest, members, base=base, work=work, advance=advance)
        temporary.replace(image)
    finally:
        temporary.unlink(missing_ok=True)


def _scan(
    recording: Recording,
    stored: StoreCopy,
    members: dict[str, list[Member]],
    options: Options,
) -> None:
    everything = [member for found in members.values() for member in found]
    files = [(member.source, member.name) for member in everything if member.source is not None]
    scanner = scanner_for(recording.path)
    with progress("looking for secrets", _total(everything)) as advance:
        refuse_secrets(scanner, stored.path, files, options.allowed_secrets, advance)
    for sentence in not_looked_into(scanner):
        options.tell(sentence)


def _total(members: list[Member]) -> int:
    return sum(member.source.stat().st_size for member in members if member.source is not None)


def _write(
    work: Path, members: dict[str, list[Member]], mtime: int, compression: str
) -> dict[str, ArchiveInfo]:
    with progress("baking", sum(map(_total, members.values()))) as advance:
        return {
            name: write_archive(
                work / name, found, mtime=mtime, compression=compression, advance=advance
            )
            for name, found in zip(archive_names(compression), members.values(), strict=True)
        }


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


def _publish(manifest: Manifest, work: Path, out: Path) -> None:
    """Give the finished files their final names; without its manifest it is not a bake."""
    with (work / MANIFEST_NAME).open("wb") as stream:
        stream.write(manifest.to_json())
        stream.flush()
        os.fsync(stream.fileno())
    (out / MANIFEST_NAME).unlink(missing_ok=True)
    for name in {name for kind in SUFFIXES for name in archive_names(kind)} - set(manifest.roots):
        (out / name).unlink(missing_ok=True)  # an earlier bake's, compressed another way
    for name in (*manifest.roots, MANIFEST_NAME):
        (work / name).replace(out / name)
    sync_directory(out)
