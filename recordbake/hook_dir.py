"""The private directory that hooks a process: sitecustomize, the guest, and what it is told.

It goes to the front of PYTHONPATH. It holds nothing else: the root of a repository there would
shadow the user's own packages.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import guest
from recordbake.errors import UsageError

if TYPE_CHECKING:
    from recordbake.guest.config import GuestConfig

GUEST_NAME = "_recordbake_guest"


def sitecustomize_source() -> Path:
    """The one sitecustomize: package data of the wheel, or the file at the repository's top.

    Raises:
        UsageError: the installation is incomplete.
    """
    package = Path(guest.__file__).parent
    for path in (package / "_sitecustomize.py", package.parents[1] / "sitecustomize.py"):
        if path.is_file():
            return path
    raise UsageError(
        "recordbake's sitecustomize.py is missing",
        where=package,
        next_step="install recordbake again",
    )


def build(directory: Path, config: GuestConfig) -> Path:
    """Fill ``directory`` with the hook.

    Args:
        directory: must exist; belongs to this run alone.
        config: handed over to the guest, as the literal of a generated module: it needs no
            parser at start-up and, unlike a variable, survives a test that cleans its environment
            but keeps PYTHONPATH.

    Returns:
        The directory, to be put on PYTHONPATH.
    """
    target = directory / GUEST_NAME
    # With what is compiled, which stays valid: the copies keep the times of their sources.
    ignored = shutil.ignore_patterns("_sitecustomize.py")
    shutil.copytree(Path(guest.__file__).parent, target, ignore=ignored)
    shutil.copyfile(sitecustomize_source(), directory / "sitecustomize.py")
    handover = f"SETTINGS = {config.as_settings()!a}\n"
    (target / "handover.py").write_text(handover, encoding="ascii")
    return directory
