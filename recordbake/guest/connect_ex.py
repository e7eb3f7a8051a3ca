"""``connect_ex`` reports by a number what a connect raises; Twisted relies on it."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def patch(module: ModuleType) -> None:
    """Let ``socket.socket.connect_ex`` report a block of the guard as it reports a refusal."""
    cls: Any = module.socket
    original = cls.connect_ex

    @functools.wraps(original)
    def connect_ex(self: Any, address: Any, /) -> Any:
        try:
            return original(self, address)
        except ConnectionRefusedError as error:  # the guard's: the original raises none
            return error.errno

    cls.connect_ex = connect_ex
