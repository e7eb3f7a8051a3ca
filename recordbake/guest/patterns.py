"""Patterns that are compiled when they are asked: that takes longer than loading what has them."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Pattern:
    """A pattern that is compiled when it is first asked; most processes never do.

    Args:
        text: as for :func:`re.compile`.
        flags: likewise.
    """

    __slots__ = ("_flags", "_text", "fullmatch", "match")

    match: Callable[..., re.Match[str] | None]
    fullmatch: Callable[..., re.Match[str] | None]

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in self.__slots__:
            raise AttributeError(name)
        compiled = re.compile(self._text, self._flags)
        self.match, self.fullmatch = compiled.match, compiled.fullmatch
        return getattr(compiled, name)
