"""Which part of the Hub caches a recording's answers name, and what of it is baked.

The layout is huggingface_hub's: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
(``<type>s--<repo>`` with ``refs``, ``snapshots``, ``blobs``, ``.no_exist``), and from 2.4 a store
that repositories share: ``blobs/<xx>/<hash>`` with ``<hash>.refs``, the paths of links to it.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.bake.manifest import HUB, LeftOut
from recordbake.guest import codec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from recordbake.bake.members import Member

_COMMIT = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_REPO = re.compile(r"[a-z]+s--.+")
_HUB = f"{HUB}/hub/"
_SHARED = f"{_HUB}blobs/"
_REFS = ".refs"
#: An API answer that is larger is not looked into for commits; the answers per file name them too.
_JSON_LIMIT = 16 << 20
_WHY = "no recorded answer names it"


def named_commits(path: Path, bodies: Path) -> frozenset[str]:
    """Every commit that an answer names: in its URL, its headers, or its body where that is JSON.

    Args:
        path: the store.
        bodies: its directory of large bodies.
    """
    found: set[bytes] = set()
    query = (
        "SELECT value, content_type, body_size, body_sha256 FROM entries"
        " JOIN responses ON responses.key = response_key"
    )
    with closing(store.connect_readonly(path)) as connection:
        for value, content_type, size, sha256 in connection.execute(query):
            _, _, body = codec.decode_value(value)
            head = value if body is None else value[: len(value) - len(body)]
            found.update(_COMMIT.findall(head))
            if "json" in (content_type or "") and size <= _JSON_LIMIT:
                data = store.body_path(bodies, sha256).read_bytes() if body is None else body
                found.update(_COMMIT.findall(_unzipped(data)))
    return frozenset(commit.decode() for commit in found)


def _unzipped(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return zlib.decompressobj(31).decompress(data, _JSON_LIMIT)
    except zlib.error:
        return data


def select(
    members: Iterable[Member], commits: frozenset[str]
) -> tuple[list[Member], list[LeftOut]]:
    """Keep of each repository the named revisions and what they link to, and the rest as it is.

    Args:
        members: the planned members of the Hub caches.
        commits: from :func:`named_commits`.

    Returns:
        The members to bake, and what was left out.
    """
    planned = {member.name: member for member in members}
    kept = {name for name in planned if _is_kept(name, planned, commits)}
    for name in [n for n in kept if _part(n) == "snapshots"]:
        kept.update(_chain(name, planned))
    for name in [n for n in kept if n.startswith(_SHARED)]:
        if planned[name].source is None and planned[name].link is None and name + "/" != _SHARED:
            kept.discard(name)  # a directory of the shared store; back if something in it is kept
    for name in list(kept):
        kept.update(_parents(name))
    kept = _without_empty_repositories(kept, planned)
    references = _references(kept, planned)
    chosen = [
        replace(planned[name], source=None, content=references[name])
        if name in references
        else planned[name]
        for name in planned
        if name in kept or name in references
    ]
    return chosen, list(_left(planned, kept | set(references)))


def _part(name: str) -> str:
    """``snapshots``, ``blobs``, ``refs`` ... of a path within a repository; empty for others."""
    parts = name.removeprefix(_HUB).split("/")
    inside = name.startswith(_HUB) and len(parts) > 1 and _REPO.fullmatch(parts[0])
    return parts[1] if inside else ""


def _is_kept(name: str, planned: Mapping[str, Member], commits: frozenset[str]) -> bool:
    """Whether a member is kept for its own sake, not because another links to it."""
    part, parts = _part(name), name.split("/")
    below = parts[4:]
    member = planned[name]
    if part in ("snapshots", ".no_exist"):
        return bool(below) and below[0] in commits
    if part == "refs":
        return bool(below and member.source) and _commit_in(member.source) in commits
    if part == "blobs":
        return False
    if name.startswith(_SHARED):
        return name.count("/") == _SHARED.count("/") and member.source is not None  # the marker
    return True


def _commit_in(ref: Path | None) -> str:
    if ref is None:
        return ""
    with ref.open("rb") as stream:
        return stream.read(64).decode("ascii", "replace").strip()


def _chain(name: str, planned: Mapping[str, Member]) -> Iterator[str]:
    """What a link leads to, link by link."""
    seen = {name}
    while (member := planned.get(name)) is not None and member.link is not None:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.link))
        if name in seen or name not in planned:
            return
        seen.add(name)
        yield name


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = posixpath.dirname(name)
        yield name


def _without_empty_repositories(kept: set[str], planned: Mapping[str, Member]) -> set[str]:
    """Without repositories of which nothing but directories is left."""

    def repository(name: str) -> str:
        parts = name.split("/")
        return "/".join(parts[:3]) if len(parts) > 2 and _REPO.fullmatch(parts[2]) else ""  # noqa: PLR2004

    def is_file(name: str) -> bool:
        return planned[name].source is not None or planned[name].link is not None

    filled = {repository(name) for name in kept if is_file(name)} | {""}
    return {name for name in kept if repository(name) in filled}


def _references(kept: set[str], planned: Mapping[str, Member]) -> dict[str, bytes]:
    """The shared store's ``.refs`` files anew: of what is kept, in order."""
    links: dict[str, list[str]] = {}
    for name in sorted(kept):
        if _part(name) == "blobs":
            for target in _chain(name, planned):
                if target.startswith(_SHARED):
                    links.setdefault(target + _REFS, []).append(name.removeprefix(_HUB))
    return {
        name: "".join(f"{link}\n" for link in found).encode()
        for name, found in links.items()
        if name in planned
    }


def _left(planned: Mapping[str, Member], kept: set[str]) -> Iterator[LeftOut]:
    """What is not kept, each directory of which nothing is kept once."""
    for name in planned:
        if name not in kept and posixpath.dirname(name) in kept:
            yield LeftOut(name, _WHY)


def counts(members: Iterable[Member]) -> dict[str, int]:
    """``repos``, ``files`` and ``bytes`` of what is baked of repositories."""
    repos: set[str] = set()
    sizes = []
    for member in members:
        part = _part(member.name)
        if part:
            repos.add(member.name.split("/")[2])
        shared = member.name.startswith(_SHARED) and member.name.count("/") > _SHARED.count("/")
        if member.source is not None and (part in ("blobs", "snapshots") or shared):
            sizes.append(member.source.stat().st_size)
    return {"repos": len(repos), "files": len(sizes), "bytes": sum(sizes)}
