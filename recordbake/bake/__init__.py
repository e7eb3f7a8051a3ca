"""The bake: a recording as reproducible, verified archives (docs/reference/formats.md).

All of it needs the standard library only, but for zstd, which needs zstandard.
"""

from __future__ import annotations

from recordbake.bake.baking import Options, bake
from recordbake.bake.manifest import ArchiveInfo, LeftOut, Manifest
from recordbake.bake.unpacking import unpack, verify

__all__ = ["ArchiveInfo", "LeftOut", "Manifest", "Options", "bake", "unpack", "verify"]
