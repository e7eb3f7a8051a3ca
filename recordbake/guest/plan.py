"""What was decided for one request; what adapters, captures and the engine hand to each other."""

from __future__ import annotations

from . import clock
from .exchange import Data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Request, Take


class Known(Data):
    """What never changes of a request: URL and host as :func:`.keys.known_as` has them, its key.

    ``told`` is what :func:`.events.told` says of it, where it may be answered; ``bypassed``: it is
    none of our business.
    """

    __slots__ = ("bypassed", "host", "key", "told", "url")

    def __init__(self, url: str, host: str, key: str, told: str, *, bypassed: bool) -> None:
        self.url = url
        self.host = host
        self.key = key
        self.told = told
        self.bypassed = bypassed


class Plan(Data):
    """What was decided for one request.

    ``request`` is redacted: it is what may be kept; of a hit that is nothing. ``action`` is one
    of :mod:`.decision`'s; ``message`` explains a block.
    """

    __slots__ = (
        "action", "attempt", "host", "key", "message", "phase", "reason", "request", "started",
        "take", "test", "vary_request",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917
        self, action: str, request: Request, host: str, key: str, test: str | None,
        phase: str | None, attempt: int, vary_request: Request | None = None,
    ) -> None:  # fmt: skip
        self.action = action
        self.request = request
        self.host = host
        self.key = key
        self.test = test
        self.phase = phase
        self.attempt = attempt
        self.take: Take | None = None
        self.reason = ""
        self.message = ""
        self.vary_request = vary_request
        self.started = clock.ticks()

    def elapsed_ms(self) -> float:
        """Milliseconds since the request was complete."""
        return round((clock.ticks() - self.started) / 1e6, 3)
