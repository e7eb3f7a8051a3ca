"""Patching: once, since a suite may import a package anew, and wherever a name was imported."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MARK = "_recordbake_patched"


def mark(wrapper: Any) -> None:
    """Say that a function is a patch of ours."""
    setattr(wrapper, _MARK, True)


def is_patched(method: Any) -> bool:
    """Whether a method is a patch of ours already."""
    return hasattr(method, _MARK)


def replace(name: str, original: Any, ours: Any, *users: Any) -> None:
    """Put a patch in the place of a function in the modules that have it under this name."""
    for user in users:
        if getattr(user, name, None) is original:
            setattr(user, name, ours)
