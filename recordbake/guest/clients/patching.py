"""Patching: once, since a suite may import a package anew, and wherever a name was imported.

And what is asked before something is left out: whether nobody has replaced it.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from types import FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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


def is_own(function: Any, module: str) -> bool:
    """Whether this is a function of Python's own module, not what a test has put there."""
    return type(function) is FunctionType and function.__module__ == module


def plain_jars(
    jar_class: Any, used: tuple[str, ...], owner: Any, stand_ins: tuple[str, ...]
) -> Callable[[Any], bool]:
    """What tells whether nobody wants to see what a jar of cookies does.

    A jar that is plain has its time then, which is what looking for cookies leaves behind where
    there are none.

    Args:
        jar_class: the client's jars.
        used: their methods that would be called.
        owner: what has stand-ins for a request and a response that would be made.
        stand_ins: their names there.
    """
    module: Any = sys.modules["http.cookiejar"]
    steps, others, names = attrgetter(*used), attrgetter(*stand_ins), frozenset(used)
    own, own_others = steps(jar_class), others(owner)

    def is_plain(jar: Any) -> bool:
        if (
            type(jar) is not jar_class or steps(jar_class) != own
            or not names.isdisjoint(vars(jar)) or module.debug or others(owner) != own_others
        ):  # fmt: skip
            return False
        jar._policy._now = jar._now = int(module.time.time())
        return True

    return is_plain
