"""One live request: sent whole, its response kept while the caller reads it."""

from __future__ import annotations

import asyncio
import sys

from ..exchange import BODY, CONNECT, HEAD, Failure
from .aiohttp_delivery import sleep
from .aiohttp_failures import classify_connect
from .retry import IDEMPOTENT, RetryBudget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..capture import Capture
    from ..config import GuestConfig
    from ..exchange import Head
    from .aiohttp_delivery import Delivery
    from .aiohttp_line import Line


class LiveExchange:
    """A request that goes live.

    Args:
        line: the real connection.
        delivery: the way to the caller.
        capture: receives head and body.
        handler: the protocol that faces the caller.
    """

    def __init__(self, line: Line, delivery: Delivery, capture: Capture, handler: Any) -> None:
        self._line = line
        self._delivery = delivery
        self._capture = capture
        self._handler = handler
        self._wire: Any = None
        self._payload: Any = None

    async def run(self, raw: bytes, config: GuestConfig) -> None:
        """Send the request's bytes, and pass on what comes.

        Raises:
            OSError: the recording could not be written.
        """
        found = await self._ask(raw, RetryBudget(config, self._capture.plan))
        if found is not None:
            self._capture.head, self._payload = found
            await self._pass_on(self._capture.head, self._payload)

    async def _ask(self, raw: bytes, budget: RetryBudget) -> tuple[Head, Any] | None:
        """The response's head and its body's stream; None once a failure is delivered."""
        method = self._capture.plan.request.method
        while True:
            kept_alive = self._line.is_open
            self._handler._drop_timeout()  # reading has not begun
            try:
                wire = await self._line.wire()
            except Exception as error:
                self._capture.fail(classify_connect(error))
                self._delivery.refuse(error)
                return None
            try:
                self._wire = wire
                wire.send(raw, method)
                self._handler.start_timeout()
                head, payload = await wire.response()
            except Exception as error:
                self._line.hang_up()
                if kept_alive and not wire.raw and method in IDEMPOTENT:
                    continue  # closed while it was idle (RFC 9112 section 9.3.1)
                await self._fail(wire.failure(error, HEAD))
                return None
            wait = budget.wait_for(head)
            if wait is None:
                return head, payload
            self._capture.retries += 1
            self._line.hang_up()
            self._handler._drop_timeout()
            await sleep(wait)

    async def _pass_on(self, head: Head, payload: Any) -> None:
        """Keep the body and feed it; whole responses are kept before the caller has them whole."""
        capture, delivery = self._capture, self._delivery
        if payload.at_eof():
            capture.finish()
        delivery.begin(head)
        while not payload.at_eof():
            await delivery.wanted()
            try:
                data, _ = await payload.readchunk()
            except Exception as error:
                await self._fail(self._wire.failure(error, BODY))
                return
            if delivery.chunked and data:
                capture.chunk(len(data))
            capture.write(data)
            if payload.at_eof():
                capture.finish()
            delivery.write(data)
        self._line.rest()
        delivery.end()

    async def _fail(self, failure: Failure) -> None:
        self._capture.fail(failure)
        await self._delivery.fail(failure)

    def settle(self) -> None:
        """The caller has closed the connection: what that means for the recording."""
        capture, handler, payload = self._capture, self._handler, self._payload
        if capture.done:
            return
        if handler.total_ran_out or handler.timed_out is not None:
            sent = self._wire is not None
            kind, phase = ("read_timeout", HEAD) if sent else ("connect_timeout", CONNECT)
            capture.fail(Failure(kind, handler.timed_out or "", 0, phase))
        elif payload is not None and payload.is_eof() and payload.exception() is None:
            capture.write(payload.read_nowait())
            capture.finish()  # all of it had come
        elif capture.head is None or isinstance(sys.exc_info()[1], asyncio.CancelledError):
            capture.cancel()
        else:
            capture.abandon()
