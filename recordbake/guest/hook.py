"""Start-up of a hooked process: journal, import hook, guard; nothing else is loaded yet.

The rest of the guest is imported when the process imports a library that we know.
"""

from __future__ import annotations

import atexit
import os
import sys

from .events import Journal
from .imports import ClientFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_state: dict[str, Any] = {}


def start(settings: dict[str, Any]) -> None:
    """Hook this process; being called twice is harmless.

    Args:
        settings: the handover's dictionary (:class:`.config.GuestConfig`).
    """
    if _state:
        return
    journal = Journal(settings)
    finder = ClientFinder(settings, journal)
    _state.update(journal=journal, finder=finder)
    journal.process_start(forked=False)
    if settings["mode"] == "replay_strict":
        from .guard import Guard
        from .spawns import SpawnWatch

        Guard(settings, journal).install()
        hook_dir = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        sys.addaudithook(SpawnWatch(hook_dir, journal))
    finder.install()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    atexit.register(_stop)


def _after_fork() -> None:
    try:
        _state["journal"].process_start(forked=True)
    except OSError:
        pass  # it is noted as lost; the child is as hooked as its parent


def _stop() -> None:
    finder = _state["finder"]
    finder.finish()
    _state["journal"].write("process_stop", clients=finder.versions)
