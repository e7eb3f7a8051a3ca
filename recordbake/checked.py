"""A store is checked whole once; then it is known by what would change with it (ADR 0013)."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from recordbake import store as stores
from recordbake.files import write_atomically

#: Seconds for which a time of change may still be the one before the last change: file systems
#: count in ticks, some in whole seconds.
_UNSETTLED = 2.0


def check_once(store: Path) -> None:
    """Check a store whole, unless this very store has been found whole before.

    Raises:
        DamagedError: see :func:`recordbake.store.check`.
    """
    before = _identity(store)
    note = _notes() / hashlib.sha256(os.fsencode(store.resolve())).hexdigest()
    if before is not None and _read(note) == before[0]:
        return
    stores.check(store)
    if before is None or before != _identity(store) or time.time() - before[1] < _UNSETTLED:
        return
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note, before[0].encode("ascii"))
    except OSError:
        pass  # a cache that cannot be written: the next run checks again


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
        for path in (store, bodies, *found):
            if path == bodies and not found:
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
