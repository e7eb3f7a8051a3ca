"""One live request of ``SimpleAsyncHTTPClient``: sent whole, its response kept as it passes."""

from __future__ import annotations

import asyncio
import functools

from .. import framing
from ..exchange import CONNECT, HEAD, Failure
from . import exceptions
from .failures import classify
from .response_tap import ResponseTap
from .retry import RetryBudget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..plan import Plan
    from ..request_buffer import RequestBuffer
    from .tornado_exchange import Exchange

_PIECE = 65536

# A suite may replace asyncio.sleep by a mock; this is the real one.
_REAL = (asyncio.sleep,)


class LiveExchange:
    """A request that goes live.

    Args:
        exchange: the caller's end.
        plan: what was decided; None for what is none of our business.
    """

    def __init__(self, exchange: Exchange, plan: Plan | None) -> None:
        self._exchange = exchange
        self._plan = plan
        self._capture: Any = None
        self._tap: ResponseTap | None = None
        self._real: Any = None
        self._sent = False
        self._wanted = asyncio.Event()

    def wanted(self) -> None:
        """The caller has read all that it was given."""
        self._wanted.set()

    async def run(self, buffer: RequestBuffer) -> None:
        """Send the request's bytes, and pass on what comes.

        Raises:
            Exception: of connecting, as tornado raises it.
        """
        engine, raw = self._exchange.seam.engine, bytes(buffer.raw)
        if self._plan is None:
            await self._open(raw)
            await self._pass_on(None)
            return
        self._capture = engine.watch(self._plan)
        budget = RetryBudget(engine.config, self._plan)
        while True:
            try:
                await self._open(raw)
            except Exception as error:
                self._capture.fail(self._failure(error, CONNECT))
                raise
            tap = self._tap = ResponseTap(
                buffer.method, keep_100=not buffer.expects_continue, plain_chunks=True
            )
            if not await self._read_head(tap):
                return
            assert tap.head is not None
            wait = budget.wait_for(tap.head)
            if wait is None:
                break
            self._capture.retries += 1
            self._real.close()
            self._exchange.connection._remove_timeout()
            await _REAL[0](wait)
        tap.begin(self._capture)
        tap.feed(tap.rest)
        self._exchange.give(framing.head_bytes(tap.head) + tap.rest)
        await self._pass_on(tap)

    async def _open(self, raw: bytes) -> None:
        """Connect within the caller's time, and send."""
        exchange = self._exchange
        connection = exchange.connection
        connection._remove_timeout()
        self._limit_connecting(connection)
        try:
            self._real = await exchange.connect()
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise exchange.seam.timed_out(str(error) or "Timeout while connecting") from None
        if exchange.stream.closed():
            self._real.close()
            return
        connection._remove_timeout()
        if connection.request.request_timeout:
            connection._timeout = connection.io_loop.add_timeout(
                connection.io_loop.time() + connection.request.request_timeout,
                functools.partial(connection._on_timeout, "during request"),
            )
        self._real.set_nodelay(True)
        self._sent = True
        self._real.write(raw)

    def _limit_connecting(self, connection: Any) -> None:
        """Before tornado 6.6 a timer of the request's ends connecting, not an argument."""
        if "timeout" in self._exchange.connect.keywords:  # type: ignore[attr-defined]
            return
        request = connection.request
        limits = [n for n in (request.connect_timeout, request.request_timeout) if n]
        if limits:
            connection._timeout = connection.io_loop.add_timeout(
                connection.io_loop.time() + min(limits),
                functools.partial(connection._on_timeout, "while connecting"),
            )

    def _failure(self, error: BaseException, phase: str) -> Failure:
        if isinstance(error, self._exchange.seam.module.HTTPTimeoutError):
            kind = "connect_timeout" if phase == CONNECT else "read_timeout"
            return Failure(kind, str(error), 0, phase, chain=exceptions.describe(error))
        return classify(getattr(error, "real_error", None) or error, phase)

    async def _read_head(self, tap: ResponseTap) -> bool:
        """Read until the head is there; False once a failure has been passed on."""
        while tap.head is None:
            data, ended = await self._read()
            if ended is not None:
                self._lose(tap, ended[0])
                return False
            tap.feed_head(data)
        return True

    async def _read(self) -> tuple[bytes, tuple[BaseException | None] | None]:
        """Bytes; or, at the end, the error of the connection or None."""
        try:
            return await self._real.read_bytes(_PIECE, partial=True), None
        except Exception as error:
            return b"", (getattr(error, "real_error", error),)

    async def _pass_on(self, tap: ResponseTap | None) -> None:
        """Give the body to the caller, no faster than it reads."""
        exchange = self._exchange
        while tap is None or not tap.complete:
            data, ended = await self._read()
            if exchange.stream.closed():
                return
            if ended is not None:
                self._lose(tap, ended[0])
                return
            if tap is not None:
                tap.feed(data)
            self._wanted.clear()
            exchange.give(data)
            await self._wanted.wait()
        self._real.close()
        exchange.end()

    def _lose(self, tap: ResponseTap | None, error: BaseException | None) -> None:
        """The connection has ended."""
        if tap is not None:
            if error is not None:
                self._capture.fail(classify(error, HEAD))
            else:
                failure = tap.closed()
                if failure is not None:
                    self._capture.fail(failure)
            if tap.head is None and tap.raw:
                self._exchange.give(tap.raw)
        self._exchange.end(error)

    def settle(self, error: BaseException | None) -> None:
        """The caller has closed its end: what that means for the recording."""
        if self._real is not None:
            self._real.close()
        self._wanted.set()
        capture = self._capture
        if capture is None or capture.done:
            return
        if isinstance(error, self._exchange.seam.module.HTTPTimeoutError):
            capture.fail(self._failure(error, HEAD if self._sent else CONNECT))
        elif self._tap is not None and self._tap.is_garbage:
            capture.fail(self._tap.closed())  # it is why the caller closed
        else:
            capture.abandon()
