"""Feeds a response, from the store or from the wire, to the protocol that faces the caller."""

from __future__ import annotations

import asyncio

from .. import framing
from ..exchange import CANCELLED, CONNECT, PARTIAL
from .aiohttp_failures import rebuild_connect
from .failures import rebuild
from .pieces import pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Failure, Head, Take

#: Seconds between two looks at whether a caller has read what came before a failure.
_LOOK_AGAIN = 0.002
#: Seconds that a cancelled request waits for its caller to cancel it again.
_PATIENCE = 60.0

# A suite may replace asyncio.sleep by a mock; this is the real one.
_REAL = (asyncio.sleep,)


async def sleep(seconds: float) -> None:
    """Wait, out of reach of mocks."""
    await _REAL[0](seconds)


class Delivery:
    """One response on its way to the caller.

    Args:
        module: ``aiohttp``.
        handler: the protocol that faces the caller.
        request: aiohttp's request that the connection was made for.
        method: of the request that is being answered.
    """

    def __init__(self, module: Any, handler: Any, request: Any, method: str) -> None:
        self._module = module
        self._handler = handler
        self._request = request
        self._method = method
        self.chunked = False
        self._ends_with_connection = False
        #: While the caller has enough.
        self._paused: asyncio.Event | None = None

    def pause(self) -> None:
        """The caller has enough for now."""
        self._paused = self._paused or asyncio.Event()

    def resume(self) -> None:
        """The caller has room again."""
        if self._paused is not None:
            self._paused.set()
            self._paused = None

    async def wanted(self) -> None:
        """Return when the caller has room."""
        if self._paused is not None:
            await self._paused.wait()

    def begin(self, head: Head) -> None:
        """Feed the head."""
        has_body = framing.has_body(self._method, head.status)
        self.chunked = has_body and framing.is_chunked(head.headers)
        sized = self.chunked or framing.content_length(head.headers) is not None
        self._ends_with_connection = has_body and not sized
        self._handler.data_received(framing.head_bytes(head))

    def write(self, data: bytes) -> None:
        """Feed a part of the body."""
        if data:
            framed = b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data
            self._handler.data_received(framed)

    def end(self) -> None:
        """The body is whole."""
        if self.chunked:
            self._handler.data_received(b"0\r\n\r\n")
        elif self._ends_with_connection:
            self._lose(None)

    def answer_at_once(self, take: Take) -> bool:
        """Feed a whole response with its body in one piece, as it comes from a server nearby.

        Returns:
            Whether it was; if not, nothing has been fed.
        """
        head, body = take.head, take.body
        if (
            head is None or body is None or take.failure is not None or take.chunks
            or head.interim or head.status < 200  # noqa: PLR2004
            or framing.content_length(head.headers) != len(body)
            or framing.is_chunked(head.headers)
            or not framing.has_body(self._method, head.status)
        ):  # fmt: skip
            return False
        self._handler.data_received(framing.head_bytes(head) + body)
        return True

    async def answer(self, take: Take) -> None:
        """Feed a recorded take."""
        if take.head is not None:
            self.begin(take.head)
            for data in pieces(take):
                await self.wanted()
                self.write(data)
        if take.failure is None:
            self.end()
        else:
            await self.fail(take.failure)

    async def fail(self, failure: Failure) -> None:
        """Let the caller see a failure, as the protocol makes it of what the transport does.

        What came before is read by the caller first: live, it had arrived before. One who closed
        the response will do so again, unless it now waits for more.
        """
        payload = self._handler._payload
        while (
            payload is not None
            and payload._eof_waiter is None
            and (payload._buffer or (failure.kind == PARTIAL and payload._waiter is None))
        ):
            await sleep(_LOOK_AGAIN)
        if failure.kind == CANCELLED:
            await sleep(_PATIENCE)  # the caller cancels it again
        if failure.kind in ("read_timeout", "connect_timeout") and not (
            failure.phase == CONNECT and failure.message
        ):
            self._handler.time_out(failure.message)
        elif failure.phase == CONNECT:
            self.refuse(rebuild_connect(self._module, failure, self._request))
        else:
            if failure.raw:
                self._handler.data_received(failure.raw.encode("latin-1"))
            clean = failure.kind in ("disconnected", "protocol", "truncated")
            self._lose(None if clean else rebuild(failure))

    def refuse(self, error: Exception) -> None:
        """Raise an error where the caller waits for the response."""
        self._handler.set_exception(error)

    def _lose(self, error: Exception | None) -> None:
        transport = self._handler.transport
        if transport is not None:
            transport.lose(error)
