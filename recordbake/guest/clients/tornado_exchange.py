"""One request of ``SimpleAsyncHTTPClient``: collected, decided, and its answer handed over."""

from __future__ import annotations

from collections import deque

from .. import decision
from ..config import RECORD
from ..exchange import CONNECT, Request
from ..request_buffer import RequestBuffer
from .answer_reader import AnswerReader
from .failures import rebuild
from .tornado_live import LiveExchange
from .tornado_urls import origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ..exchange import Failure, Take
    from ..plan import Plan
    from .tornado import TornadoSeam

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TIMEOUTS = {
    "connect_timeout": "Timeout while connecting",
    "read_timeout": "Timeout during request",
}


class Exchange:
    """What is behind a stand-in stream.

    Args:
        seam: what decides, and which errors to raise.
        connection: tornado's ``_HTTPConnection``.
        connect: opens the real stream, as tornado would have.
    """

    def __init__(self, seam: TornadoSeam, connection: Any, connect: Callable[..., Any]) -> None:
        self.seam = seam
        self.connection = connection
        self.connect = connect
        self.stream: Any = None
        self._buffer = RequestBuffer()
        self._came: deque[bytes] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._reader: AnswerReader | None = None
        self._live: LiveExchange | None = None
        self._callers_error: BaseException | None = None

    # -- the request ---------------------------------------------------------------------------

    def sent(self, data: bytes) -> None:
        """The caller writes; decide once it is a whole request."""
        buffer = self._buffer
        had_head = buffer.has_head
        if buffer.complete:
            return
        if buffer.feed(data):
            try:
                self._decide(buffer)
            except Exception as error:
                self.refuse(error)
        elif buffer.has_head and not had_head and buffer.expects_continue:
            self.give(_CONTINUE)

    def _decide(self, buffer: RequestBuffer) -> None:
        origin = origin_of(self.connection.request.url)
        request = Request(
            buffer.method, origin + buffer.target, buffer.headers, buffer.body(), self.seam.name
        )
        if self.seam.has_own_resolver(self.connection):
            self._start(self._resolve, request)
        else:
            self._act(self.seam.engine.plan(request))

    def _act(self, plan: Plan) -> None:
        if plan.action == decision.ANSWER:
            assert plan.take is not None
            self._answer(plan.take)
        elif plan.action == decision.BLOCK:
            self.refuse(self.seam.blocked(plan.message))
        else:
            self._go_live(plan)

    async def _resolve(self, request: Request) -> None:
        """Ask a resolver of the suite's own first: what leads to this machine is not captured."""
        engine = self.seam.engine
        if (
            engine.config.mode == RECORD or not engine.knows(request)
        ) and await self.seam.resolves_here(self.connection):
            self._go_live(None)
        else:
            self._act(engine.plan(request))

    def _go_live(self, plan: Plan | None) -> None:
        self._live = LiveExchange(self, plan)
        self._start(self._live.run, self._buffer)

    def _start(self, step: Callable[[Any], Awaitable[None]], argument: Any) -> None:
        self.connection.io_loop.add_callback(self._run, step, argument)

    async def _run(self, step: Callable[[Any], Awaitable[None]], argument: Any) -> None:
        try:
            await step(argument)
        except Exception as error:
            self.refuse(error)

    # -- the answer ----------------------------------------------------------------------------

    def _answer(self, take: Take) -> None:
        failure = take.failure
        if (
            take.head is None
            and failure is not None
            and (failure.phase == CONNECT or failure.kind in _TIMEOUTS)
        ):
            self.refuse(self._rebuilt(failure))
            return
        self._reader = AnswerReader(take, self._buffer.method)
        self._reader.plain_fields = None
        self.stream.io_loop.ring()

    def _rebuilt(self, failure: Failure) -> BaseException:
        if failure.kind in _TIMEOUTS:
            # Other clients have other texts for it.
            own = failure.client == self.seam.name
            return self.seam.timed_out(failure.message if own else _TIMEOUTS[failure.kind])
        return rebuild(failure)

    def give(self, data: bytes) -> None:
        """Bytes for the caller."""
        self._came.append(data)
        if self.stream is not None:
            self.stream.io_loop.ring()

    def end(self, error: BaseException | None = None) -> None:
        """No more will come: the server has closed the connection, or it was lost."""
        self._ended, self._error = True, error
        self.stream.io_loop.ring()

    def refuse(self, error: BaseException) -> None:
        """Raise an error where the caller waits for the response."""
        connection = self.connection
        connection.io_loop.add_callback(connection._handle_exception, type(error), error, None)

    @property
    def is_readable(self) -> bool:
        """Whether :meth:`read_into` has something to tell."""
        return bool(self._came) or self._ended or self._reader is not None

    def read_into(self, buffer: Any) -> int | None:
        """What a non-blocking socket gives: bytes, 0 at the end, None where nothing has come.

        Raises:
            OSError: the connection was lost.
        """
        if self._came:
            data = self._came.popleft()
            count = min(len(data), len(buffer))
            buffer[:count] = data[:count]
            if count < len(data):
                self._came.appendleft(data[count:])
            elif self._live is not None and not self._came:
                self._live.wanted()
            return count
        if self._reader is not None:
            return self._read_take(self._reader, buffer)
        if not self._ended:
            return None
        if self._error is not None:
            raise self._error
        return 0

    def _read_take(self, reader: AnswerReader, buffer: Any) -> int | None:
        try:
            return reader.readinto(buffer)
        except OSError:
            failure = reader.take.failure
            if failure is None or failure.kind not in _TIMEOUTS:
                raise
            self._reader = None  # nothing more comes, and the caller's patience ends
            self.refuse(self._rebuilt(failure))
            return None

    # -- the end -------------------------------------------------------------------------------

    def caller_failed(self, error: BaseException) -> None:
        """The request ends with an error."""
        self._callers_error = error

    def settle(self) -> None:
        """The caller has closed the stream."""
        if self._reader is not None:
            self._reader.close()
        if self._live is not None:
            self._live.settle(self._callers_error)
