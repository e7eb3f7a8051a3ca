"""Building a Dockerfile with whichever builder is there: docker, podman or buildah."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import UsageError

if TYPE_CHECKING:
    from recordbake.bake.manifest import Manifest

#: What builds with each. Podman and buildah give every file and the image one time, so that equal
#: bakes give equal digests; docker's builders cannot where the engine keeps the image (ADR 0031).
_COMMANDS = {
    "docker": ["docker", "build"],
    "podman": ["podman", "build", "--layers", "--timestamp", "{time}"],
    "buildah": ["buildah", "bud", "--layers", "--timestamp", "{time}"],
}


def build(tag: str, bake_dir: Path, manifest: Manifest, base: str | None = None) -> str:
    """Build the ``Dockerfile`` of the current directory; what the builder says goes to stderr.

    Args:
        tag: the image's name.
        bake_dir: the bake, in the current directory.
        manifest: its manifest.
        base: the base image; None: the Dockerfile's own.

    Returns:
        The builder's name.

    Raises:
        UsageError: there is no Dockerfile or no builder, the bake lies elsewhere, or it failed.
    """
    here = Path.cwd()
    if not (here / "Dockerfile").is_file():
        raise UsageError(
            "there is no Dockerfile",
            where=here,
            next_step="copy recordbake's, or append to an image without one: --oci IMAGE.tar",
        )
    if not bake_dir.resolve().is_relative_to(here):
        raise UsageError(
            "builders see the Dockerfile's directory only, and the bake is not in it",
            where=bake_dir,
            next_step="bake to a directory in it: --out DIR",
        )
    name = _builder()
    created = datetime.fromtimestamp(manifest.created_at, timezone.utc)
    arguments = {
        "BAKE_DIR": str(bake_dir.resolve().relative_to(here)),
        "MANIFEST_DIGEST": f"sha256:{manifest.digest}",
        "CREATED": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **({"BASE_IMAGE": base} if base else {}),
    }
    command = [
        *(word.format(time=manifest.created_at) for word in _COMMANDS[name]),
        *(word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))),
        "--tag", tag, ".",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UsageError(
            f"{name} did not build the image: exit {done.returncode}",
            where=here / "Dockerfile",
            next_step="see what it says above",
        )
    return name


def _builder() -> str:
    """The first that is there; docker only where its engine answers.

    Raises:
        UsageError: none is.
    """
    for name in _COMMANDS:
        if shutil.which(name) and (name != "docker" or _answers()):
            return name
    raise UsageError(
        f"there is none of {', '.join(_COMMANDS)} to build with",
        where="--image",
        next_step="install one, or write an image without: recordbake bake --oci IMAGE.tar",
    )


def _answers() -> bool:
    asked = subprocess.run(["docker", "version"], capture_output=True, check=False)
    return asked.returncode == 0
