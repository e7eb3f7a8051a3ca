"""Small and read-only file systems, in a mount namespace of their own."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.fault import NotPossibleError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Mounted:
    """A mount namespace that lives as long as this object; nobody else sees what is mounted in it.

    Args:
        script: shell commands that mount things, with the directory as ``$0``.
        directory: what they are about.
    """

    def __init__(self, script: str, directory: Path) -> None:
        self._user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        words = ["unshare", "--mount", *self._user, "sh", "-ec",
                 f"{script}; echo ready; exec sleep 3600", directory]  # fmt: skip
        self._holder = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        assert self._holder.stderr is not None
        if self._holder.stdout.readline() != "ready\n":
            raise NotPossibleError(self._holder.stderr.read().strip() or "no mount namespace")

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.kill()
        self._holder.communicate()

    def inside(self, words: Sequence[object], where: Path) -> list[str]:
        """A command that runs with these mounts, in a directory there."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        cd = f'cd {shlex.quote(str(where))} && exec "$@"'
        return ["nsenter", "--target", str(self._holder.pid), "--mount", *user, "--",
                "sh", "-c", cd, "sh", *map(str, words)]  # fmt: skip

    def run(self, *words: object) -> None:
        """Run something with these mounts.

        Raises:
            CalledProcessError: it fails.
        """
        subprocess.run(self.inside(words, Path("/")), check=True, capture_output=True)

    def path(self, path: Path) -> Path:
        """A path there, as it is seen from here."""
        return Path(f"/proc/{self._holder.pid}/root{path}")


def small(directory: Path, size: str) -> Mounted:
    """A tmpfs at a directory; ``size`` as mount(8) takes it."""
    directory.mkdir(parents=True, exist_ok=True)
    return Mounted(f'mount -t tmpfs -o mode=1777,size={size} tmpfs "$0"', directory)


def read_only(directory: Path) -> Mounted:
    """A directory as it is, which nobody can write to, root included."""
    return Mounted('mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"', directory)
