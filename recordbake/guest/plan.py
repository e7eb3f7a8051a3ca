"""What was decided for one request; what adapters, captures and the engine hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import clock

if TYPE_CHECKING:
    from .exchange import Request, Take


@dataclass(slots=True)
class Plan:
    """What was decided for one request.

    ``request`` is redacted: it is what may be kept. ``action`` is one of :mod:`.decision`'s;
    ``message`` explains a block.
    """

    action: str
    request: Request
    key: str
    test: str | None
    attempt: int
    take: Take | None = None
    reason: str = ""
    message: str = ""
    vary_request: Request | None = None
    started: float = field(default_factory=clock.monotonic)

    def elapsed_ms(self) -> float:
        """Milliseconds since the request was complete."""
        return round((clock.monotonic() - self.started) * 1000, 3)
