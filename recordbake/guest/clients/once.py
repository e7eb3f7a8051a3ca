"""Keeps a method from being patched twice: a suite may import a package anew."""

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
