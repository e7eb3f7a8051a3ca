"""A bake in words, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from recordbake.bake.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.bake.manifest import Manifest

_PRUNED = re.compile(r"^http_cache: .* \(take [0-9]+, ([0-9]+) bytes\)$")
#: So many paths of what was left out are named on the terminal; the manifest has all.
_NAMED = 3


def describe(manifest: Manifest, where: Path | str) -> str:
    """The bake in three lines, for people.

    Args:
        manifest: of the bake.
        where: the directory or URL to name.
    """
    store, hub = manifest.store, manifest.hub
    sizes = ", ".join(f"{name} {_size(info.size)}" for name, info in manifest.archives.items())
    left_out = f"; {len(manifest.left_out)} left out" if manifest.left_out else ""
    return (
        f"{store['entries']} entries ({store['takes']} takes, {store['bodies']} bodies of"
        f" {_size(store['body_bytes'])}), {hub['repos']} Hub repositories"
        f" ({hub['files']} files of {_size(hub['bytes'])})\n"
        f"  {where}: {sizes}{left_out}\n"
        f"  sha256:{manifest.digest} ({MANIFEST_NAME})"
    )


def describe_pruned(manifest: Manifest) -> str:
    """One line: how many takes were left out as unused, and how many bytes of bodies."""
    found = [_PRUNED.search(item.path) for item in manifest.left_out]
    sizes = [int(match[1]) for match in found if match]
    return f"  pruned: {len(sizes)} takes of {_size(sum(sizes))} that no replay asked for"


def describe_left_out(manifest: Manifest) -> str:
    """A line for each reason: the first of what was left out for it, and how much more.

    What was pruned is not among it: see :func:`describe_pruned`.
    """
    reasons: dict[str, list[str]] = {}
    for item in manifest.left_out:
        if _PRUNED.search(item.path):
            continue
        reasons.setdefault(item.why, []).append(item.path)
    return "\n".join(
        f"  left out: {', '.join(paths[:_NAMED])}"
        + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
        + f" ({why})"
        for why, paths in sorted(reasons.items())
    )


def _size(count: float) -> str:
    """Bytes in decimal units, as archives and registries give them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - decimal units
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
