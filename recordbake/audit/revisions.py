"""Asks the Hub whether the branches and tags in a Hub cache still point to the same commits.

As with entries (:mod:`recordbake.audit.revalidate`), what was answered is noted as it comes, and
the Hub is asked no faster than an origin.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.audit.notes import Notes, Pace
from recordbake.progress import REVISIONS, progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from huggingface_hub import HfApi


@dataclass(frozen=True)
class MovedRevision:
    """A branch or tag that was at the commit ``recorded`` and is at ``now``."""

    repo_type: str
    repo_id: str
    revision: str
    recorded: str
    now: str


@dataclass(frozen=True)
class Pointed:
    """Where a branch or tag pointed to; ``at`` in Unix seconds (UTC), ``now`` a commit."""

    repo_type: str
    repo_id: str
    revision: str
    recorded: str
    at: float
    now: str


def moved_revisions(  # noqa: PLR0913
    directories: Iterable[Path],
    notes: Path,
    *,
    endpoint: str | None = None,
    per_second: float = 5.0,
    keep_for: float = 86400.0,
    sleep: Callable[[float], None] = time.sleep,
) -> list[MovedRevision]:
    """Revisions of Hub caches that the Hub has moved, with progress on stderr.

    What cannot be asked is left out: private, gone or offline, which other findings say.

    Args:
        directories: the caches (``hub/``); may be missing.
        notes: the file of answers; those younger than ``keep_for`` seconds are not asked again.
        endpoint: the Hub's URL; the one that huggingface_hub is configured with when None.
        per_second: requests per second, at most.
        keep_for: seconds that a noted answer counts.
        sleep: waits that many seconds.

    Raises:
        OSError: the notes cannot be written.
    """
    asked = list(dict.fromkeys(name for directory in directories for name in _refs(directory)))
    if not asked:
        return []
    from huggingface_hub import HfApi

    api, pace, moved = HfApi(endpoint=endpoint), Pace(per_second, sleep), []
    with (
        Notes(notes, Pointed, keep_for) as noted,
        progress("asking the Hub", len(asked), REVISIONS) as advance,
    ):
        known = {(p.repo_type, p.repo_id, p.revision, p.recorded): p.now for p in noted.known}
        for name in asked:
            now = known.get(name)
            if now is None:
                pace.wait(api.endpoint)
                now = _commit(api, *name[:3])
                pace.asked(api.endpoint)
                if now:
                    noted.add(Pointed(*name, time.time(), now))
            if now and now != name[3]:
                moved.append(MovedRevision(*name, now))
            advance(1)
    return moved


def _refs(directory: Path) -> Iterator[tuple[str, str, str, str]]:
    """Kind, repository, branch or tag, and commit, of all that a cache has."""
    if not directory.is_dir():
        return
    from huggingface_hub import scan_cache_dir

    for repo in sorted(scan_cache_dir(directory).repos, key=lambda r: (r.repo_type, r.repo_id)):
        for name, revision in sorted(repo.refs.items()):
            yield repo.repo_type, repo.repo_id, name, revision.commit_hash


def _commit(api: HfApi, repo_type: str, repo_id: str, revision: str) -> str:
    """Where the Hub has it now; empty if that cannot be told."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        info = api.repo_info(repo_id, repo_type=repo_type, revision=revision)
    except (HfHubHTTPError, OSError, ValueError):
        return ""
    return info.sha or ""
