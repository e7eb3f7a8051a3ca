"""The Hub's own on-disk caches: folding a run's into the recording, and a replay's private view."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from recordbake.files import copy_atomically

#: Never kept, at the top of ``HF_HOME``: credentials and the state of native downloads.
_LEFT_OUT_AT_THE_TOP = frozenset({"token", "stored_tokens", "xet"})
#: What huggingface_hub asks for again once the file is a day old: without it a replay always asks,
#: and is answered from the store, whatever the hour.
_ASKED_AGAIN = ".agent_harnesses.json"
_LEFT_OUT_SUFFIXES = (".locks", ".lock", ".incomplete", ".tmp")


def left_out(path: str) -> bool:
    """Whether a file or directory of a Hub cache is never kept or shipped.

    Args:
        path: relative to ``HF_HOME``, with ``/``. Below ``snapshots/`` the names are those of a
            repository's own files, and all are kept.
    """
    *above, name = path.split("/")
    if "snapshots" in above:
        return False
    return (not above and name in _LEFT_OUT_AT_THE_TOP) or name.endswith(_LEFT_OUT_SUFFIXES)


def fold(source: Path, target: Path) -> None:
    """Move a run's Hub cache into the recording's; newer refs and files win.

    Args:
        source: the run's cache; deleted afterwards.
        target: the recording's cache; created if needed.
    """
    for directory, names, files in os.walk(source):
        here = Path(directory)
        relative = here.relative_to(source)
        kept = [n for n in [*names, *files] if not left_out((relative / n).as_posix())]
        names[:] = [name for name in names if name in kept]
        destination = real_directory(target / relative)
        for name in kept:
            if name not in names or (here / name).is_symlink():
                _move(here / name, destination / name)
    shutil.rmtree(source, ignore_errors=True)


def real_directory(path: Path) -> Path:
    """Make a directory to write to, in the place of a link, which might lead out of the cache."""
    if path.is_symlink():
        path.unlink()
    path.mkdir(parents=True, exist_ok=True)
    return path


def _move(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError:  # the runs are on another file system
        copy_atomically(source, target)
        source.unlink()


def view(source: Path, target: Path) -> None:
    """Build a private, writable view of a Hub cache: its own tree, blobs linked to the originals.

    What a test writes or deletes there leaves the original, which may be read-only, untouched.

    Args:
        source: the recording's or bake's cache; may be missing (the view is then empty).
        target: the directory to create.
    """
    target.mkdir(parents=True, exist_ok=True)
    for directory, names, files in os.walk(source):
        here = Path(directory)
        destination = target / here.relative_to(source)
        links = [name for name in names if (here / name).is_symlink()]
        for name in names:
            if name not in links:
                (destination / name).mkdir(exist_ok=True)
        if here == source and _ASKED_AGAIN in files:
            files.remove(_ASKED_AGAIN)
        for name in [*files, *links]:
            original = here / name
            link = destination / name
            if original.is_symlink() and original.resolve().is_relative_to(source.resolve()):
                link.symlink_to(original.readlink())  # snapshots point into blobs, relatively
            elif not original.is_file():
                continue  # a link to a directory outside, which tests would write to; a pipe
            elif here.name == "blobs" or (here.parent.name == "blobs" and "." not in name):
                link.symlink_to(original.resolve())  # replaced as a whole, never written to
            else:
                shutil.copyfile(original, link)
