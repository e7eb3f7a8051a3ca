"""Taking an archive's members as parts of a recording: checked, and written where they belong."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.answers import check_answers
from recordbake.bake.manifest import HTTP, HUB
from recordbake.bake.members import resolve
from recordbake.bake.reading import RefusedError
from recordbake.errors import DamagedError
from recordbake.hub_cache import left_out
from recordbake.recording import Recording

if TYPE_CHECKING:
    from recordbake.bake.manifest import Manifest
    from recordbake.bake.reading import Entry

_CHUNK = 1 << 20
_AGAIN = "bake or fetch it again: recordbake bake"


class Receiver:
    """Takes an archive's members, checks them as parts of a recording, and writes them.

    Args:
        to: the directory to write into; it is ours alone.
        whole: write everything. Otherwise only the store is written, and of each of its bodies a
            file of the right size without content, which is what the store's check looks at.
    """

    def __init__(self, to: Path, *, whole: bool) -> None:
        self.recording = Recording(to)
        self._whole = whole
        self._tree: dict[str, str | None] = {}
        self._found: dict[str, tuple[str, int]] = {}

    def take(self, entry: Entry) -> None:
        """Check and write one member."""
        self._tree[entry.name] = entry.link
        in_store = entry.name.split("/")[0] == HTTP
        if in_store:
            self._check_place(entry)
        elif _is_left_out(entry.name):
            raise RefusedError(f"{entry.name!r} is something that a bake never holds")
        path = self.recording.path / entry.name
        if in_store and entry.link is not None and not self._whole:
            return  # put there at the end, when its size is known
        if entry.content is not None:
            sha256 = self._write(entry, path)
            self._found[entry.name] = (sha256, entry.size)
            if in_store and path != self.recording.store and path.name != sha256:
                raise RefusedError(f"{entry.name!r} does not have the digest that it is named by")
        elif not (in_store or self._whole):
            return
        elif entry.link is None:
            path.mkdir()
        else:
            path.symlink_to(entry.link)

    def _check_place(self, entry: Entry) -> None:
        """In the store's directory: the store and bodies, no SQLite journal.

        A body may be a link to a file of the Hub caches that has its bytes.
        """
        path, bodies = self.recording.path / entry.name, self.recording.bodies
        if entry.link is not None:
            fits = path == store.body_path(bodies, path.name) and _in_hub(entry.link) is not None
        elif entry.content is not None:
            fits = path in (self.recording.store, store.body_path(bodies, path.name))
        else:
            fits = path in (bodies.parent, bodies) or path.parent == bodies
        if not fits:
            raise RefusedError(f"{entry.name!r} does not belong to a store")

    def _write(self, entry: Entry, path: Path) -> str:
        assert entry.content is not None
        digest = hashlib.sha256()
        keep = self._whole or path == self.recording.store
        target = path if keep or entry.name.split("/")[0] == HTTP else Path(os.devnull)
        if keep and entry.size > shutil.disk_usage(path.parent).free:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL if target == path else 0)
        mode = 0o755 if entry.executable else 0o644
        with open(os.open(target, flags, mode), "wb") as stream:  # noqa: PTH123 - a descriptor
            while data := entry.content.read(_CHUNK):
                digest.update(data)
                if keep:
                    stream.write(data)
            if target == path and not keep:
                stream.truncate(entry.size)
        return digest.hexdigest()

    def _leads_well(self, name: str, link: str) -> bool:
        """Whether a link leads to a member; a body's to a file with its digest."""
        if not name.startswith(f"{HTTP}/"):
            return resolve(name, self._tree) is not None
        sha256, size = self._found.get(_in_hub(link) or "", ("", 0))
        if sha256 != name.rpartition("/")[2]:
            return False
        if not self._whole:
            with (self.recording.path / name).open("xb") as stream:
                stream.truncate(size)
        return True

    def finish(self, manifest: Manifest, bake_dir: Path) -> None:
        """Check what only shows once everything is there.

        Raises:
            DamagedError: a link leads nowhere or outside, or the store is not what it should be.
        """
        for name, link in self._tree.items():
            if link is not None and not self._leads_well(name, link):
                raise DamagedError(
                    f"the archive is refused: the link {name!r} leads nowhere or outside",
                    where=bake_dir,
                    next_step=_AGAIN,
                )
        where = bake_dir / next(iter(manifest.roots))
        try:
            check_answers(self.recording.store, where=where)
            counts = store.check(self.recording.store)
        except DamagedError as error:  # its own place is a temporary one
            raise DamagedError(error.what, where=where, next_step=_AGAIN) from error
        except (TypeError, ValueError) as error:
            raise DamagedError(
                f"the store is damaged: {error}", where=where, next_step=_AGAIN
            ) from error
        if counts != manifest.store:
            raise DamagedError(
                f"the store holds {counts}, the manifest says {manifest.store}",
                where=where,
                next_step=_AGAIN,
            )
        store_name = self.recording.store.relative_to(self.recording.path).as_posix()
        if self._found[store_name][0] != manifest.store_sha256:
            raise DamagedError(
                "the store is not the one that the manifest names", where=where, next_step=_AGAIN
            )


def _in_hub(link: str) -> str | None:
    """The member of the Hub caches that a body's link names, if it is one."""
    inside = link.removeprefix("../../../")
    parts = inside.split("/")
    fits = inside != link and parts[0] == HUB and not {"", ".", ".."} & set(parts)
    return inside if fits else None


def _is_left_out(name: str) -> bool:
    """Whether a member, or a directory that it is in, is left out of every bake."""
    parts = name.split("/")[1:]
    return any(left_out("/".join(parts[: end + 1])) for end in range(len(parts)))
