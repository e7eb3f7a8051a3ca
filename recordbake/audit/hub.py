"""What stands in Hub caches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.audit.columns import clean
from recordbake.audit.findings.model import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class HubRepo:
    """One repository in the Hub cache; ``size`` in bytes on disk."""

    repo_type: str
    repo_id: str
    size: int
    files: int
    revisions: int


@dataclass(frozen=True)
class HubCaches:
    """What stands in Hub caches.

    Args:
        repos: repositories, largest first; of one that several caches have, the largest.
        problems: how many directories could not be understood.
        blobs: names of the files' contents: the ETags with which the Hub sent them.
    """

    repos: list[HubRepo]
    problems: int
    blobs: frozenset[str]


def scanned(directories: Iterable[Path]) -> HubCaches:
    """What stands in Hub caches; a directory may be missing."""
    repos: dict[tuple[str, str], HubRepo] = {}
    blobs: set[str] = set()
    problems = 0
    for directory in directories:
        if not directory.is_dir():
            continue
        from huggingface_hub import scan_cache_dir

        found = scan_cache_dir(directory)
        problems += len(found.warnings)
        for repo in found.repos:
            blobs.update(f.blob_path.name for r in repo.revisions for f in r.files)
            name = (clean(repo.repo_type), clean(repo.repo_id))
            known = repos.get(name)
            if known is None or known.size < repo.size_on_disk:
                size, files = int(repo.size_on_disk), int(repo.nb_files)
                repos[name] = HubRepo(*name, size, files, len(repo.revisions))
    ordered = sorted(repos.values(), key=lambda repo: (-repo.size, repo.repo_type, repo.repo_id))
    return HubCaches(ordered, problems, frozenset(blobs))


def held(entries: pd.DataFrame, blobs: frozenset[str]) -> list[bool]:
    """Of which entries a Hub cache has the answer's body, aligned with ``entries``.

    A large file is kept under its sha256, a small one under its ETag, the id of the git object.
    """
    etags = entries["etag"].astype(object).map(text).str.removeprefix("W/").str.strip('"')
    return list(entries["body_sha256"].isin(blobs) | etags.isin(blobs))
