"""What stands in the layers that a bake adds to an image, all of it below ``/opt/recordbake``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import recordbake
from recordbake.bake.members import Member
from recordbake.hook_dir import sitecustomize_source

ROOT = "opt/recordbake"
_LAUNCHER = f"""#!/usr/bin/env python3
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/{ROOT}/lib")
from recordbake.cli import main

sys.exit(main())
"""


def parents() -> list[Member]:
    """The directories down to the root."""
    parts = ROOT.split("/")
    return [Member("/".join(parts[: end + 1])) for end in range(len(parts))]


def moved(member: Member) -> Member:
    """A bake's member below the root."""
    return replace(member, name=f"{ROOT}/{member.name}")


def file(name: str, content: bytes, *, executable: bool = False) -> Member:
    """A file below the root."""
    return Member(f"{ROOT}/{name}", content=content, executable=executable)


def program() -> list[Member]:
    """Recordbake itself: a strict replay needs the standard library only."""
    package = Path(recordbake.__file__).parent
    members = [Member(f"{ROOT}/lib"), Member(f"{ROOT}/bin")]
    members.append(file("bin/recordbake", _LAUNCHER.encode(), executable=True))
    for path in sorted(package.rglob("*")):
        name = f"{ROOT}/lib/recordbake/{path.relative_to(package).as_posix()}"
        if "__pycache__" in path.parts or name.endswith("_sitecustomize.py"):
            continue
        members.append(Member(name) if path.is_dir() else Member(name, source=path))
    members.append(Member(f"{ROOT}/lib/recordbake"))
    site = f"{ROOT}/lib/recordbake/guest/_sitecustomize.py"
    members.append(Member(site, source=sitecustomize_source()))
    return members
