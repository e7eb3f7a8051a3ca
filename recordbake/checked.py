"""A store is checked whole once; then it is known by what would change with it (ADR 0013)."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

from recordbake import store as stores
from recordbake.errors import DamagedError
from recordbake.files import digest_of, write_atomically

#: Seconds for which a time of change may still be the one before the last change: file systems
#: count in ticks, some in whole seconds.
_UNSETTLED = 2.0


def check_once(store: Path) -> None:
    """Check a store whole, unless this very store has been found whole before.

    That of an unpacked bake must be the one that ``manifest.json`` names.

    Raises:
        DamagedError: see :func:`recordbake.store.check`; or it is another one.
    """
    before = _identity(store)
    note = _notes() / hashlib.sha256(os.fsencode(store.resolve())).hexdigest()
    if before is not None and _read(note) == before[0]:
        return
    stores.check(store)
    _check_named(store)
    if before is None or before != _identity(store) or time.time() - before[1] < _UNSETTLED:
        return
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note, before[0].encode("ascii"))
    except OSError:
        pass  # a cache that cannot be written: the next run checks again


def _check_named(store: Path) -> None:
    """Compare the store with its manifest: a store names its bodies by digest, it the store."""
    path = _manifest(store)
    if not path.exists():
        return
    again = "unpack the bake again: recordbake unpack BAKE --to DIR"
    try:
        named = json.loads(path.read_bytes())["store_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError("the manifest is damaged", where=path, next_step=again) from error
    if digest_of(store) != named:
        raise DamagedError("the store is not the manifest's", where=store, next_step=again)


def _manifest(store: Path) -> Path:
    return store.parent.parent / "manifest.json"


def _notes() -> Path:
    """XDG Base Directory Specification: user-specific data that is not essential."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "recordbake" / "checked"


def _read(note: Path) -> str:
    try:
        return note.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _identity(store: Path) -> tuple[str, float] | None:
    """A digest over everything that changes with a store, and when that last happened.

    Returns:
        The digest and Unix seconds; None if there is no store.
    """
    digest, latest = hashlib.sha256(), 0.0
    try:
        bodies = store.parent / "bodies"
        found = sorted(bodies.iterdir()) if bodies.is_dir() else []
        manifest = _manifest(store)
        for path in (store, bodies, *found, manifest):
            if (path == bodies and not found) or (path == manifest and not manifest.exists()):
                continue
            status = path.stat()
            latest = max(latest, status.st_mtime, status.st_ctime)
            fields = (
                path.name, status.st_dev, status.st_ino, status.st_size, status.st_mode,
                status.st_mtime_ns, status.st_ctime_ns,
            )  # fmt: skip
            digest.update(f"{fields!r}\n".encode())
    except OSError:
        return None
    return f"{stores.FORMAT} {digest.hexdigest()}", latest
