"""The bake: a recording as reproducible, verified archives (docs/reference/formats.md).

Importing this package needs the standard library only; :func:`bake` needs huggingface_hub where
the recording holds Hub caches, :func:`verify` and :func:`unpack` need nothing.
"""

from __future__ import annotations

from recordbake.bake.baking import bake
from recordbake.bake.manifest import ArchiveInfo, LeftOut, Manifest
from recordbake.bake.unpacking import unpack, verify

__all__ = ["ArchiveInfo", "LeftOut", "Manifest", "bake", "unpack", "verify"]
