"""Where an audit reads from: a directory, a bake, or either behind a URL that fsspec knows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import TransferError, UsageError
from recordbake.recording import Recording
from recordbake.workspace import temporary

if TYPE_CHECKING:
    from contextlib import ExitStack


def opened(source: str, stack: ExitStack) -> Recording:
    """The recording that a word of the command line names, local and unpacked.

    Args:
        source: a recording's or bake's directory, or its URL (``s3://``, ``memory://``, ...).
        stack: removes what was fetched and unpacked.

    Raises:
        UsageError: the URL cannot be read.
        DamagedError: the bake is damaged, or cannot be fetched.
    """
    path = _fetched(source, stack) if "://" in source else Path(source)
    if (path / "manifest.json").is_file() and not (path / "http_cache").is_dir():
        from recordbake.bake import unpack

        unpacked = _directory(stack) / "bake"
        unpack(path, unpacked)
        return Recording(unpacked)
    return Recording(path)


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
        system.get(path.rstrip("/") + "/", f"{target}/", recursive=True)
    except (OSError, ValueError, ImportError) as error:
        raise UsageError(
            f"the recording cannot be fetched: {getattr(error, 'strerror', None) or error}",
            where=url,
            next_step="check the URL, and install what fsspec needs for its scheme",
        ) from error
    return target


def _directory(stack: ExitStack) -> Path:
    return stack.enter_context(temporary("audit"))
