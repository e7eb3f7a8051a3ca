"""The proxies that the environment names: worked out again only where the environment has changed.

``urllib.request.getproxies_environment`` decodes all variables, twice before Python 3.13, and
requests asks it twice in each call. A function of the environment alone: the same variables in the
same order give the same answer.
"""

from __future__ import annotations

import functools
import os
import sys
from operator import attrgetter

from .patching import is_own, is_patched, mark, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

#: Where Python has no other place to look, both names are one function.
_NAMES = ("getproxies_environment", "getproxies")
#: By what the original reads the environment; who replaces one of these wants to see it.
_READING = ("__getitem__", "__iter__", "__contains__", "items")


def patch(*users: ModuleType | None) -> None:
    """Let ``urllib.request`` and who has imported its functions remember what they found.

    Args:
        users: modules that import them by name.
    """
    module: Any = sys.modules.get("urllib.request")
    original: Any = getattr(module, _NAMES[0], None)
    if not is_own(original, "urllib.request") or is_patched(original):
        return
    ours = remembering(original)
    mark(ours)
    for name in _NAMES:
        replace(name, original, ours, module, *users)


def remembering(original: Callable[[], dict[str, str]]) -> Callable[[], dict[str, str]]:
    """``getproxies_environment``, which asks the original where it cannot know.

    Args:
        original: reads ``os.environ``, and nothing else.
    """
    environ_class: Any = type(os.environ)
    steps = attrgetter(*_READING)
    own, names = steps(environ_class), frozenset(_READING)
    known: tuple[Any, list[Any], list[Any], dict[str, str]] | None = None

    @functools.wraps(original)
    def getproxies_environment() -> dict[str, str]:
        nonlocal known
        environ: Any = os.environ
        if (
            type(environ) is not environ_class or steps(environ_class) != own
            or not names.isdisjoint(vars(environ)) or type(environ._data) is not dict
        ):  # fmt: skip
            return original()
        data, last = environ._data, known  # one step: another thread may be here
        # In order: of HTTP_PROXY and Http_Proxy the last one counts.
        if (
            last is not None and last[0] is environ
            and list(data) == last[1] and list(data.values()) == last[2]
        ):  # fmt: skip
            return last[3].copy()
        names_before, values_before = list(data), list(data.values())
        found = original()
        if list(data) == names_before and list(data.values()) == values_before:
            known = environ, names_before, values_before, found.copy()
        return found

    return getproxies_environment
