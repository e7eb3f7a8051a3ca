"""What is united beside the stores: Hub caches, journals, hashes of secrets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import hub_cache, seen_secrets
from recordbake.files import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordbake.recording import Recording


def unite_caches(source: Path, target: Path) -> None:
    """Copy a Hub cache over another: blobs and snapshots are named by their content.

    Where others differ, such as a branch that has moved on, the greater content stays, whatever
    the order. The recorded answers set it right at the first request of a replay.
    """
    for directory, names, files in os.walk(source):
        here = Path(directory)
        relative = here.relative_to(source)
        kept = [n for n in [*names, *files] if not hub_cache.left_out((relative / n).as_posix())]
        names[:] = [name for name in names if name in kept]
        destination = hub_cache.real_directory(target / relative)
        for name in kept:
            path, copy = here / name, destination / name
            if not path.is_symlink() and not path.is_file():
                continue
            if os.path.lexists(copy):
                if content(path) <= content(copy):
                    continue
                copy.unlink()
            shutil.copyfile(path, copy, follow_symlinks=False)


def content(path: Path) -> tuple[int, str]:
    """By what two files of one name are compared: size, then digest; a link by what it says."""
    if path.is_symlink():
        return -1, str(path.readlink())
    return path.stat().st_size, digest_of(path)


def unite_runs(source: Recording, into: Recording) -> None:
    """Keep journals by origin: a run's name has its time and a random part."""
    for run in source.runs():
        target = into.runs_dir / run.id
        if run.info.exists() and not run.shards.exists() and not target.exists():
            target.mkdir(parents=True)
            for path in run.path.iterdir():
                if path.is_file() and not path.is_symlink() and path.name != ".lock":
                    shutil.copyfile(path, target / path.name)


def unite_secrets(sources: Iterable[Recording], into: Recording) -> None:
    """Know the secrets, by hash, of all environments."""
    found = {
        value["digest"]: value for source in sources for value in seen_secrets.read(source.path)
    }
    if found:
        seen_secrets.write(into.path, [found[digest] for digest in sorted(found)])
