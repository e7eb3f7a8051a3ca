"""What stands in Hub caches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.audit.columns import clean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class HubRepo:
    """One repository in the Hub cache; ``size`` in bytes on disk."""

    repo_type: str
    repo_id: str
    size: int
    files: int
    revisions: int


def hub_repositories(directories: Iterable[Path]) -> tuple[list[HubRepo], int]:
    """The repositories in Hub caches, largest first, and how many could not be understood.

    Of a repository that several caches have, the largest counts.
    """
    repos: dict[tuple[str, str], HubRepo] = {}
    problems = 0
    for directory in directories:
        if not directory.is_dir():
            continue
        from huggingface_hub import scan_cache_dir

        found = scan_cache_dir(directory)
        problems += len(found.warnings)
        for repo in found.repos:
            name = (clean(repo.repo_type), clean(repo.repo_id))
            known = repos.get(name)
            if known is None or known.size < repo.size_on_disk:
                size, files = int(repo.size_on_disk), int(repo.nb_files)
                repos[name] = HubRepo(*name, size, files, len(repo.revisions))
    ordered = sorted(repos.values(), key=lambda repo: (-repo.size, repo.repo_type, repo.repo_id))
    return ordered, problems
