"""Children that :mod:`multiprocessing` starts afresh are hooked, whatever became of PYTHONPATH.

Its ``spawnv_passfds`` starts them (spawn, forkserver, the resource tracker) with ``-c CODE``, past
the audit events of :mod:`subprocess`, and with this interpreter's own ``-I``, ``-E`` and ``-S``.
"""

from __future__ import annotations

import functools
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .events import Journal

_HOOK_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FIRST = (
    f"import sys; sys.path.insert(0, {_HOOK_DIR!a}); "
    "from _recordbake_guest import boot; boot.start(late=True); "
)


def hooked(arguments: list[Any]) -> list[Any]:
    """The arguments with code that hooks the process before its own."""
    given = list(arguments)
    for at, argument in enumerate(given[:-1]):
        if os.fsdecode(argument) == "-c" and os.path.isdir(_HOOK_DIR):
            given[at + 1] = _FIRST + os.fsdecode(given[at + 1])
            break
    return given


def install(module: ModuleType, settings: dict[str, Any], journal: Journal) -> None:  # noqa: ARG001
    """Patch ``multiprocessing.util``."""
    original = getattr(module, "spawnv_passfds", None)
    if original is None:
        return

    @functools.wraps(original)
    def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
        return original(path, hooked(args), passfds)

    module.spawnv_passfds = spawnv_passfds  # type: ignore[attr-defined]
