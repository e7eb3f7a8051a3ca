"""A stand-in for a connection's transport, which opens the real one only for a live request."""

from __future__ import annotations

import asyncio

from .. import decision
from ..config import RECORD
from ..exchange import Request
from ..request_buffer import RequestBuffer
from .aiohttp_delivery import Delivery
from .aiohttp_line import Line
from .aiohttp_live import LiveExchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from ..plan import Plan
    from .aiohttp import AiohttpSeam

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class DeferredTransport(asyncio.Transport):
    """Collects requests and lets them be answered, one after the other.

    Args:
        seam: what decides, and which errors to raise.
        connector: aiohttp's connector.
        request: the request that the connection is made for; others follow to the same host.
        timeout: the session's ``ClientTimeout``.
        handler: the protocol that faces the caller.
    """

    def __init__(
        self, seam: AiohttpSeam, connector: Any, request: Any, timeout: Any, handler: Any
    ) -> None:
        super().__init__()
        self._seam = seam
        self._connector = connector
        self._loop: asyncio.AbstractEventLoop = connector._loop
        self._request = request
        self._handler = handler
        self._line = Line(seam, connector, request, timeout)
        self._buffer = RequestBuffer()
        self._delivery = Delivery(seam.module, handler, request, "")
        self._live: LiveExchange | None = None
        self._task: asyncio.Task[None] | asyncio.Handle | None = None
        self._closing = False
        self._known_origin = ""

    # -- the request ---------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Collect bytes; decide once they are a whole request."""
        buffer = self._buffer
        had_head = buffer.has_head
        if self._closing:
            return
        if buffer.feed(bytes(data)):
            self._buffer = RequestBuffer()
            self._delivery = Delivery(
                self._seam.module, self._handler, self._request, buffer.method
            )
            # Not at once: what sent the request starts the read timeout.
            self._task = self._loop.call_soon(self._begin, buffer)
        elif buffer.has_head and not had_head and buffer.expects_continue:
            self._loop.call_soon(self._handler.data_received, _CONTINUE)

    def _begin(self, buffer: RequestBuffer) -> None:
        """Answer at once what needs no waiting, as most hits do; a task costs as much as a hit."""
        try:
            # The target is in absolute form where a proxy is asked (RFC 9112 section 3.2).
            target = buffer.target
            url = self._origin() + target if target.startswith("/") else target
            request = Request(buffer.method, url, buffer.headers, buffer.body(), self._seam.name)
            if not self._seam.has_own_resolver(self._connector):
                plan = self._seam.engine.plan(request)
                if plan.take is not None and self._delivery.answer_at_once(plan.take):
                    return
                plan = self._beyond(plan, request)
                self._task = self._loop.create_task(self._run(self._go_on(buffer, plan)))
            else:
                self._task = self._loop.create_task(self._run(self._resolve(buffer, request)))
        except Exception as error:
            self.lose(error)

    def _origin(self) -> str:
        """Of all requests over this connection."""
        if not self._known_origin:
            self._known_origin = self._seam.origin_of(self._request)
        return self._known_origin

    async def _run(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            await steps
        except Exception as error:
            self.lose(error)

    async def _resolve(self, buffer: RequestBuffer, request: Request) -> None:
        """Ask a resolver of the suite's own first: what leads to this machine is not captured."""
        engine = self._seam.engine
        if (
            engine.config.mode == RECORD or not engine.knows(request)
        ) and await self._seam.resolves_here(self._connector, self._request):
            await self._hand_over(bytes(buffer.raw))
            return
        await self._go_on(buffer, self._beyond(engine.plan(request), request))

    def _beyond(self, plan: Plan, request: Request) -> Plan:
        """The plan of what leaves this machine all the same, by a proxy."""
        if plan.action == decision.BYPASS and self._seam.is_beyond(self._request):
            return self._seam.engine.plan(request, beyond=True)
        return plan

    async def _go_on(self, buffer: RequestBuffer, plan: Plan) -> None:
        engine, raw = self._seam.engine, bytes(buffer.raw)
        if plan.action == decision.BLOCK:
            self._delivery.refuse(self._seam.blocked(plan.message))
        elif plan.reason == "upgrade":
            engine.watch(plan).finish()
            await self._hand_over(raw)
        elif plan.action == decision.ANSWER:
            assert plan.take is not None
            await self._delivery.answer(plan.take)
        else:
            capture = engine.watch(plan)
            capture.proxy = self._seam.proxy_host(self._request)
            self._live = LiveExchange(self._line, self._delivery, capture, self._handler)
            await self._live.run(raw, engine.config)

    async def _hand_over(self, raw: bytes) -> None:
        """Connect the caller to the server directly: what follows is none of our business."""
        self._handler._drop_timeout()
        try:
            real = await self._line.open()
        except Exception as error:
            self._delivery.refuse(error)
            return
        real.set_protocol(self._handler)
        self._handler.connection_made(real)
        real.write(raw)
        self._handler.start_timeout()

    # -- the end -------------------------------------------------------------------------------

    def lose(self, error: Exception | None) -> None:
        """The server's end of the connection is gone, with an error or in peace."""
        if self._end():
            self._handler.eof_received()
            self._handler.connection_lost(error)

    def close(self) -> None:
        """The caller is done with the connection."""
        if not self._end():
            return
        if self._task is not None:
            self._task.cancel()
        if not self._loop.is_closed():
            self._loop.call_soon(self._handler.connection_lost, None)

    def abort(self) -> None:
        """Like :meth:`close`: there is nothing left to send."""
        self.close()

    def _end(self) -> bool:
        """Let go of the wire and of what is being kept; False if that was done before."""
        if self._closing:
            return False
        self._closing = True
        if self._live is not None:
            self._live.settle()
        self._line.hang_up()
        return True

    # -- what else a transport is asked ----------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether the connection is no longer good for a request."""
        return self._closing

    def pause_reading(self) -> None:
        """The caller has enough for now."""
        self._delivery.pause()

    def resume_reading(self) -> None:
        """The caller has room again."""
        self._delivery.resume()

    def get_write_buffer_size(self) -> int:
        """Bytes that are yet to be sent: a request is complete or it is not."""
        return 0

    def can_write_eof(self) -> bool:
        """Never: HTTP ends messages by their framing."""
        return False
