"""Packages that not every installation has: one that only replays needs none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from recordbake.errors import UsageError


def needed(name: str, what: str, *, where: str, extra: str = "") -> Any:
    """A package that something cannot do without.

    Args:
        name: the package, and its module.
        what: what needs it.
        where: the command or the option that it is for.
        extra: the extra of recordbake's that brings it; empty if recordbake itself does.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        brings = f"'recordbake[{extra}]'" if extra else "recordbake"
        raise UsageError(
            f"{what} needs the package {name}", where=where, next_step=f"pip install {brings}"
        ) from None
