"""The private directory that hooks a process: sitecustomize, the guest, and what it is told.

It goes to the front of PYTHONPATH. It holds nothing else: the root of a repository there would
shadow the user's own packages.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake import guest
from recordbake.errors import UsageError
from recordbake.files import naming

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
    source = Path(guest.__file__).parent
    with suppress(OSError):  # not ours to write: each run compiles what is missing
        _compile(source)
    with naming(directory):
        _copy(source, target)
        (directory / "sitecustomize.py").write_bytes(sitecustomize_source().read_bytes())
        handover = f"SETTINGS = {config.as_settings()!a}\n"
        (target / "handover.py").write_text(handover, encoding="ascii")
    return directory


def _compile(source: Path) -> None:
    """Compile what Python has not, where and as it does by itself, for all runs to come.

    Installers such as uv compile nothing, and we import the lesser part of the guest ourselves.

    Raises:
        OSError: what is compiled cannot be kept there.
    """
    if sys.dont_write_bytecode or sys.pycache_prefix:
        return
    for path in (path for below in (".", "clients") for path in (source / below).glob("*.py")):
        if not _is_compiled(path):
            import py_compile

            py_compile.compile(str(path), quiet=2)


def _is_compiled(path: Path) -> bool:
    """Whether Python would take what is compiled of a source: it notes its time and size.

    Source: PEP 552; where a digest is noted instead, Python compares that itself.
    """
    try:
        with open(cache_from_source(str(path)), "rb") as stream:  # noqa: PTH123  # one of many
            magic, flags, noted = stream.read(4), stream.read(4), stream.read(8)
    except FileNotFoundError:
        return False
    state = path.stat()
    numbers = (int(state.st_mtime), state.st_size)
    now = b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)
    return magic == MAGIC_NUMBER and (any(flags) or noted == now)


def _copy(source: Path, target: Path) -> None:
    """Copy the guest with what is compiled of it, which stays valid: sources keep their times.

    Two of three calls of :func:`shutil.copytree` are for what nobody asks of these files.
    """
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            to = target / entry.name
            if entry.is_dir():
                _copy(Path(entry.path), to)
            elif entry.name.endswith((".py", ".pyc")) and entry.name != "_sitecustomize.py":
                to.write_bytes(Path(entry.path).read_bytes())
                if entry.name.endswith(".py"):
                    times = entry.stat()
                    os.utime(to, ns=(times.st_atime_ns, times.st_mtime_ns))
