"""What is baked of a recording: the members of both archives, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.bake import hub_selection
from recordbake.bake.manifest import HTTP, HUB, LeftOut
from recordbake.bake.members import Member, hub_members
from recordbake.files import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from recordbake.bake.stored import StoreCopy
    from recordbake.recording import Recording


def of(recording: Recording, stored: StoreCopy) -> tuple[dict[str, list[Member]], list[LeftOut]]:
    """The members by archive, and all that is left out.

    Args:
        recording: what to bake.
        stored: the copy of its store.
    """
    hub, left_out = _hub(recording, stored)
    hub, shared = _share(hub, stored.bodies)
    members = {HTTP: _store_members(recording, stored, shared), HUB: hub}
    return members, [*left_out, *stored.left_out, *_strangers(recording, stored)]


def _hub(recording: Recording, stored: StoreCopy) -> tuple[list[Member], list[LeftOut]]:
    """What is baked of the Hub caches, and what is not."""
    planned, left_out = hub_members(recording.hf_cache, HUB)
    commits = hub_selection.named_commits(stored.path, recording.bodies)
    members, unnamed = hub_selection.select(planned, commits)
    return members, [*left_out, *unnamed]


def _share(
    members: Iterable[Member], sizes: Mapping[str, int]
) -> tuple[list[Member], dict[str, str]]:
    """Find the files that equal a body of the store, so that they are stored once.

    Args:
        members: what is baked of the Hub caches.
        sizes: digests of the store's bodies that are files, and their sizes in bytes.

    Returns:
        The members, those found with the digest that their content must have; and the member by
        digest.
    """
    wanted = set(sizes.values())
    found: dict[str, str] = {}
    result = []
    for member in members:
        if member.source is None or member.source.stat().st_size not in wanted:
            result.append(member)
            continue
        digest = digest_of(member.source)
        if digest in sizes:
            found.setdefault(digest, member.name)
            result.append(replace(member, sha256=digest))
        else:
            result.append(member)
    return result, found


def _store_members(recording: Recording, stored: StoreCopy, shared: dict[str, str]) -> list[Member]:
    """The store's members; a body that a file of the Hub caches equals is a link to that."""
    bodies = f"{HTTP}/{recording.bodies.name}"
    prefixes = sorted({sha256[:2] for sha256 in stored.bodies})

    def body(sha256: str) -> Member:
        name = f"{bodies}/{sha256[:2]}/{sha256}"
        if sha256 in shared:
            return Member(name, link=f"../../../{shared[sha256]}")
        return Member(name, store.body_path(recording.bodies, sha256), sha256=sha256)

    return [
        Member(HTTP),
        Member(f"{HTTP}/{recording.store.name}", source=stored.path),
        Member(bodies),
        *(Member(f"{bodies}/{prefix}") for prefix in prefixes),
        *(body(sha256) for sha256 in stored.bodies),
    ]


def _strangers(recording: Recording, stored: StoreCopy) -> list[LeftOut]:
    """What stands in the store's directory and does not belong to the store."""
    named = {recording.store, *(store.body_path(recording.bodies, s) for s in stored.bodies)}
    return [
        LeftOut(path.relative_to(recording.path).as_posix(), "no entry names it")
        for path in recording.http_cache.rglob("*")
        if path not in named and (path.is_symlink() or not path.is_dir())
    ]
