"""What goes into an archive: planning the members of a Hub cache, and following links in a plan."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.bake.manifest import LeftOut
from recordbake.hub_cache import left_out

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Linux follows at most this many links in one path (path_resolution(7)).
_LINK_LIMIT = 40


@dataclass(frozen=True)
class Member:
    """One member of an archive: a directory (of which nothing is given), a file, or a link.

    Args:
        name: path in the archive, relative, with ``/``.
        source: the file with the content.
        link: what a symbolic link says.
        sha256: the digest that the content must have, hexadecimal; None: whatever it has.
        content: the bytes of a file that is written anew.
        executable: whether such a file is.
    """

    name: str
    source: Path | None = None
    link: str | None = None
    sha256: str | None = None
    content: bytes | None = None
    executable: bool = False


def resolve(name: str, tree: Mapping[str, str | None]) -> str | None:
    """Follow a path through a planned tree as the kernel would, links included.

    Args:
        name: a path whose first component is the tree's root.
        tree: every member's name, and what it says if it is a link.

    Returns:
        The name of the file or directory it leads to; None if it leads nowhere, out of the root
        or around in a circle.
    """
    pending = name.split("/")[::-1]
    done: list[str] = []
    hops = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if len(done) <= 1:
                return None
            done.pop()
            continue
        done.append(part)
        here = "/".join(done)
        if here not in tree:
            return None
        link = tree[here]
        if link is not None:
            hops += 1
            if hops > _LINK_LIMIT or link.startswith("/"):
                return None
            done.pop()
            pending.extend(link.split("/")[::-1])
    return "/".join(done)


def hub_members(root: Path, name: str) -> tuple[list[Member], list[LeftOut]]:
    """The members for a Hub cache, and what of it is left out.

    Relative links that stay inside are kept as links. Any other link to a file is stored as that
    file's content, since its target would not be there (or be another one) where the bake is used.

    Args:
        root: the cache (``HF_HOME``); may be missing.
        name: the root's name in the archive.

    Raises:
        OSError: a directory cannot be read.
    """
    members = {name: Member(name)}
    left: list[LeftOut] = []
    links: list[str] = []
    directories = [(root, name)] if root.is_dir() else []
    while directories:
        directory, prefix = directories.pop()
        with os.scandir(directory) as found:
            for entry in found:
                path = f"{prefix}/{entry.name}"
                if left_out(path.partition("/")[2]):
                    left.append(LeftOut(path, _why(entry.name)))
                elif entry.is_symlink():
                    members[path] = Member(path, link=str(Path(entry.path).readlink()))
                    links.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    members[path] = Member(path)
                    directories.append((Path(entry.path), path))
                elif entry.is_file(follow_symlinks=False):
                    members[path] = Member(path, source=Path(entry.path))
                else:
                    left.append(LeftOut(path, "neither file, directory nor link"))
    left += _settle_links(members, links, root, name)
    return list(members.values()), left


def _settle_links(
    members: dict[str, Member], links: list[str], root: Path, name: str
) -> list[LeftOut]:
    """Replace or drop links that would not work in the archive, until all that remain do."""
    left: list[LeftOut] = []
    pending = sorted(links)
    while True:
        tree = {member.name: member.link for member in members.values()}
        broken = [path for path in pending if resolve(path, tree) is None]
        if not broken:
            return left
        for path in broken:
            pending.remove(path)
            member, why = _content_of(path, root / path[len(name) + 1 :], root.resolve())
            if member is None:
                del members[path]
                left.append(LeftOut(path, why))
            else:
                members[path] = member


def _content_of(path: str, link: Path, root: Path) -> tuple[Member | None, str]:
    target = Path(os.path.realpath(link))
    inside = target.relative_to(root).parts if target.is_relative_to(root) else ()
    for candidate in (link.readlink().name, target.name, "/".join(inside)):
        if left_out(candidate):
            return None, f"a link to something left out: {_why(candidate)}"
    if target.is_file():
        return Member(path, source=target), ""
    if target.is_dir():
        return None, "a link to a directory outside"
    return None, "a link that leads nowhere"


def _why(name: str) -> str:
    if "token" in name:
        return "credential"
    if name.endswith((".lock", ".locks")):
        return "lock"
    if name.endswith((".incomplete", ".tmp")):
        return "not finished"
    return "state of native downloads"
