"""Asks the Hub whether the branches and tags in a Hub cache still point to the same commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class MovedRevision:
    """A branch or tag that was at the commit ``recorded`` and is at ``now``."""

    repo_type: str
    repo_id: str
    revision: str
    recorded: str
    now: str


def moved_revisions(directory: Path, *, endpoint: str | None = None) -> list[MovedRevision]:
    """Revisions of a Hub cache that the Hub has moved; what cannot be asked is left out.

    Args:
        directory: the cache (``hub/``); may be missing.
        endpoint: the Hub's URL; the one that huggingface_hub is configured with when None.
    """
    if not directory.is_dir():
        return []
    from huggingface_hub import HfApi, scan_cache_dir
    from huggingface_hub.errors import HfHubHTTPError

    api, moved = HfApi(endpoint=endpoint), []
    for repo in sorted(scan_cache_dir(directory).repos, key=lambda r: (r.repo_type, r.repo_id)):
        for name, revision in sorted(repo.refs.items()):
            try:
                info = api.repo_info(repo.repo_id, repo_type=repo.repo_type, revision=name)
            except (HfHubHTTPError, OSError, ValueError):
                continue  # private, gone or offline: other findings say so
            if info.sha and info.sha != revision.commit_hash:
                moved.append(
                    MovedRevision(
                        repo.repo_type, repo.repo_id, name, revision.commit_hash, info.sha
                    )
                )
    return moved
