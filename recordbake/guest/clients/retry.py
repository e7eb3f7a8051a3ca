"""Waiting out a busy server while recording: which answers, how long, within which bound."""

from __future__ import annotations

from .. import clock
from ..exchange import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import GuestConfig
    from ..exchange import Head
    from ..plan import Plan

#: Methods that may be sent again even if the first one was acted on (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
#: Statuses that say that the request was not acted on (RFC 6585 section 4; RFC 9110, 15.6.4).
NOT_ACTED_ON = frozenset({429, 503})


class RetryBudget:
    """How long one request may still wait for a better answer.

    Args:
        config: the run's settings (statuses and seconds in total).
        plan: the request; only what is kept is retried.
    """

    def __init__(self, config: GuestConfig, plan: Plan) -> None:
        self._statuses = config.retry_statuses if plan.action == "keep" else ()
        self._left = config.retry_max_wait
        self._delay = 0.5
        self._method = plan.request.method.upper()

    def wait_for(self, head: Head) -> float | None:
        """Seconds to wait before the request is sent again, or None to take this answer."""
        if head.status not in self._statuses:
            return None
        if self._method not in IDEMPOTENT and head.status not in NOT_ACTED_ON:
            return None
        wanted = retry_after(header(head.headers, "retry-after"))
        wait = self._delay if wanted is None else max(wanted, 0.05)
        if wait > self._left:
            return None
        self._left -= wait
        self._delay = min(self._delay * 2, 16)
        return wait


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After asks for: a number or an HTTP date (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    value = value.strip()
    if value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - clock.now())
    except (TypeError, ValueError):
        return None
