"""Where things are in a recording directory; no content is read here.

The layout is docs/reference/formats.md:

    DIR/http_cache/requests_cache.sqlite   the store
    DIR/http_cache/bodies/ab/abcdef...     bodies too large for a row, named by sha256
    DIR/hf_cache/                          the Hub's own caches (HF_HOME)
    DIR/runs/<run>/                        run.json, http_log.ndjson, shards/ while it runs
    DIR/bake/                              the default output of ``recordbake bake``
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from recordbake.guest.events import COMPLETE

STORE_NAME = "requests_cache.sqlite"
JOURNAL_NAME = "http_log.ndjson"
RUN_NAME = "run.json"


class Run(NamedTuple):
    """One run of a command under recordbake: its directory and the files in it."""

    path: Path

    @property
    def id(self) -> str:
        """The run's identifier: start time (UTC), mode and a random part."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The merged journal, present once the run has ended."""
        return self.path / JOURNAL_NAME

    @property
    def info(self) -> Path:
        """``run.json``: command, mode, times (Unix seconds, UTC), exit codes, versions."""
        return self.path / RUN_NAME

    @property
    def shards(self) -> Path:
        """Where hooked processes write while the command runs."""
        return self.path / "shards"

    @property
    def complete(self) -> Path:
        """Exists while the run's processes could keep all they had to."""
        return self.shards / COMPLETE

    @property
    def hf_cache(self) -> Path:
        """The run's own Hub cache while recording; folded into the recording at its end."""
        return self.path / "hf_cache"


class Recording(NamedTuple):
    """A recording (or an unpacked bake, which has the same layout).

    Args:
        path: the directory; need not exist yet.
        runs_path: where runs are kept; ``path / "runs"`` when None.
        only: the identifier of the one run there that belongs to it; all when None.
    """

    path: Path
    runs_path: Path | None = None
    only: str | None = None

    @property
    def http_cache(self) -> Path:
        """Directory of the store and its bodies."""
        return self.path / "http_cache"

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.http_cache / STORE_NAME

    @property
    def bodies(self) -> Path:
        """Directory of the bodies that are files."""
        return self.http_cache / "bodies"

    @property
    def hf_cache(self) -> Path:
        """The Hub caches (``HF_HOME`` of the recording)."""
        return self.path / "hf_cache"

    @property
    def runs_dir(self) -> Path:
        """Directory of the runs."""
        return self.runs_path or self.path / "runs"

    @property
    def bake_dir(self) -> Path:
        """Default output directory of a bake."""
        return self.path / "bake"

    @property
    def manifest(self) -> Path:
        """The manifest that an unpacked bake carries; absent in a recording."""
        return self.path / "manifest.json"

    def runs(self) -> list[Run]:
        """All runs, oldest first (identifiers start with their UTC start time)."""
        if not self.runs_dir.is_dir():
            return []
        return [
            Run(Path(e.path))
            for e in sorted(os.scandir(self.runs_dir), key=lambda e: e.name)
            if e.is_dir() and self.only in (None, e.name)
        ]
