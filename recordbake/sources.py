"""Where an audit reads from: recordings, bakes and journals, here or behind a URL of fsspec's."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.errors import TransferError, UsageError
from recordbake.recording import JOURNAL_NAME, RUN_NAME, Recording
from recordbake.workspace import temporary

if TYPE_CHECKING:
    from contextlib import ExitStack


def opened(source: str, stack: ExitStack) -> Recording:
    """The recording that a word of the command line names, local and unpacked.

    Args:
        source: the directory of a recording, of a bake, of runs or of one run, or a journal; or
            its URL (``s3://``, ``memory://``, ...).
        stack: removes what was fetched and unpacked.

    Raises:
        UsageError: the URL cannot be read, or there is nothing of recordbake there.
        DamagedError: the bake is damaged, or cannot be fetched.
    """
    path = _fetched(source, stack) if "://" in source else Path(source)
    if (path / "manifest.json").is_file() and not (path / "http_cache").is_dir():
        from recordbake.bake import unpack

        unpacked = _directory(stack) / "bake"
        unpack(path, unpacked)
        return Recording(unpacked)
    if path.is_file() and path.name == JOURNAL_NAME:
        path = path.parent
    if _is_run(path):
        run = path.resolve()
        return Recording(run, run.parent, run.name)
    if path.is_dir() and any(map(_is_run, path.iterdir())):
        return Recording(path, path)
    if path.exists() and not any((path / name).is_dir() for name in ("http_cache", "runs")):
        raise UsageError(
            "there is no recording, bake or journal of recordbake",
            where=source,
            next_step="name a directory with http_cache/ or runs/, a bake, or a run's directory",
        )
    return Recording(path)


def _is_run(path: Path) -> bool:
    return (path / JOURNAL_NAME).is_file() or (path / RUN_NAME).is_file()


def _fetched(url: str, stack: ExitStack) -> Path:
    import fsspec

    from recordbake.bake.moving import pull

    target = _directory(stack) / "fetched"
    try:
        pull(url, target)
    except (TransferError, UsageError) as error:  # an unpacked bake or a recording is no bake
        nothing = isinstance(error.__cause__, (FileNotFoundError, ValueError))
        if url.startswith("oci:") or not nothing:
            raise
        shutil.rmtree(target, ignore_errors=True)
    else:
        return target
    try:
        system, path = fsspec.core.url_to_fs(url)
        if not system.exists(path):
            raise FileNotFoundError(2, "there is nothing there")
        _get_all(system, path.rstrip("/"), target)
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(
            f"the recording cannot be fetched: {getattr(error, 'strerror', None) or error}",
            where=url,
            next_step="check the URL, and install what fsspec needs for its scheme",
        ) from error
    return target


def _get_all(system: Any, root: str, target: Path) -> None:
    """Fetch all files below ``root``; a store of objects takes ``..`` for a name like any other."""
    found = system.find(root, detail=True)
    names = {name: name[len(root) :].lstrip("/") for name in found}
    for name, inside in names.items():
        if not name.startswith(f"{root}/") or {"", ".", ".."} & set(inside.split("/")):
            raise ValueError(f"{name!r} does not lie in it")
    target.mkdir(parents=True, exist_ok=True)
    size = sum(info.get("size") or 0 for info in found.values())
    if size > shutil.disk_usage(target).free:
        raise OSError(errno.ENOSPC, f"it has {size} bytes, and the disk less")
    copies = [target / inside for inside in names.values()]
    for copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
    system.get(list(names), list(map(str, copies)))


def _directory(stack: ExitStack) -> Path:
    return stack.enter_context(temporary("audit"))
