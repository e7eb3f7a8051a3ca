"""Start-up of a hooked process: journal, import hook, guard; nothing else is loaded yet.

The rest of the guest is imported when the process imports a library that we know.
"""

import atexit
import os
import sys

from .events import Journal
from .imports import ClientFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_state: "dict[str, Any]" = {}

#: When a socket is made, ``connect_ex`` is patched, of which Python tells nobody.
_MADE = "socket.__new__"
#: Audit events that :mod:`.guard` and :mod:`.spawns` look at. An audit hook is called for each of
#: hundreds of others a process, so they are loaded only for these.
AUDITED = frozenset(
    {
        "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
        "socket.gethostbyname", "socket.gethostbyaddr", "subprocess.Popen", "os.exec",
        "os.posix_spawn", "os.system",
    }
)  # fmt: skip


class Watch:
    """What the one audit hook does; it stays for the life of the process.

    Args:
        settings: the handover's dictionary.
        journal: where leaks and gaps are reported.
    """

    def __init__(self, settings: "dict[str, Any]", journal: "Journal") -> None:
        self._settings = settings
        self._journal = journal
        self._handlers: dict[str, Any] = {}
        self._patches = settings["mode"] == "replay_strict"

    def hook(self) -> "Callable[[str, tuple[Any, ...]], None]":
        """The audit hook: a function, since Python asks each hook for an attribute at each event.

        Any other callable takes longer to say that it has none.
        """
        seen, see = AUDITED | {_MADE} if self._patches else AUDITED, self._see

        def watch(event: str, args: "tuple[Any, ...]") -> None:
            if event in seen:
                see(event, args)

        return watch

    def _see(self, event: str, args: "tuple[Any, ...]") -> None:
        """Let guard or spawns see an event that is one of theirs."""
        if event == _MADE:
            self._patch_sockets()
            return
        handler = (self._handlers or self._load()).get(event)
        if handler is not None:
            handler(event, args)

    def _patch_sockets(self) -> None:
        if self._patches and "socket" in sys.modules:
            self._patches = False
            from .connect_ex import patch

            patch(sys.modules["socket"])

    def _load(self) -> "dict[str, Any]":
        from .guard import Guard
        from .spawns import SpawnWatch

        hook_dir = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        handlers = Guard(self._settings, self._journal).handlers()
        handlers.update(SpawnWatch(hook_dir, self._journal).handlers())
        self._handlers = handlers
        return handlers


def start(settings: "dict[str, Any]") -> None:
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
    sys.addaudithook(Watch(settings, journal).hook())
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
