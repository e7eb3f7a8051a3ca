"""What goes live through an adapter right now, so that the guard does not take it for a leak.

A connect belongs to the request that this context (thread or task) waits for. A look-up may be
made in a thread of a pool that knows nothing of it: it belongs to whoever asks that host.
"""

from __future__ import annotations

import os

try:
    from _contextvars import ContextVar
except ImportError:  # another implementation of Python
    from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .capture import Capture

_current: ContextVar[Capture | None] = ContextVar("recordbake_live", default=None)
_waiting: set[Capture] = set()

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def begin(capture: Capture) -> None:
    """A request goes live in this context now; it may connect until its response begins."""
    _waiting.add(capture)
    _current.set(capture)


def end(capture: Capture) -> None:
    """It is over."""
    _waiting.discard(capture)


def explains(host: str, *, lookup: bool) -> bool:
    """Whether an adapter's request is why this context connects, or somebody looks a host up."""
    capture = _current.get()
    if capture is not None and capture in _waiting and capture.head is None:
        return True
    if not lookup:
        return False
    waiting = [capture for capture in tuple(_waiting) if capture.head is None]
    return any(host in (capture.plan.host, capture.proxy) for capture in waiting) or (
        bool(waiting) and _is_proxy(host)
    )


def _is_proxy(host: str) -> bool:
    return any(
        host in os.environ.get(name, "").lower()
        for variable in _PROXIES
        for name in (variable, variable.upper())
    )
