"""A live response as the bytes that a client reads, kept on the way."""

from __future__ import annotations

from .. import clock, framing, wire
from ..exchange import BODY, HEAD, UNREAD, Failure
from .answer_files import AnswerBytes, AnswerFile, need_no_parser
from .failures import classify
from .response_reader import ResponseReader
from .retry import RetryBudget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..capture import Capture
    from ..exchange import Head
    from .deferred_socket import DeferredSocket

#: What is still read of a response that its caller closes early, so that it is kept whole.
_DRAIN_LIMIT = 1024 * 1024
_DRAIN_SECONDS = 0.3


def _unread() -> Failure:
    return Failure(UNREAD, "nobody waited for the answer", 0, HEAD)


class LiveReader(ResponseReader):
    """A live response, kept as it is read.

    Args:
        stand_in: the deferred socket with the real connection.
        capture: receives head and body.
        raw: the request's bytes, to send them again to a busy server.
    """

    def __init__(self, stand_in: DeferredSocket, capture: Capture, raw: bytes) -> None:
        super().__init__()
        self._stand_in = stand_in
        self._capture = capture
        self._raw = raw
        self._stream: Any = None
        #: What http.client reads from.
        self._file: AnswerFile | None = None
        self._body: wire.BodyReader = wire.NoBody()
        self._at_hand = 0  # bytes that have come with the head

    def file(self) -> AnswerFile:
        """The response, as what ``makefile`` of a socket returns."""
        self._file = AnswerFile(self, None)
        return self._file

    def whole(self) -> AnswerBytes | None:
        """The response, if all of it has come with its head and http.client needs no parser.

        It is kept before the caller has any of it. Otherwise nothing of it is taken: what was
        read of the head is read from the file.

        Raises:
            OSError: the transport failed.
        """
        if self._opened:
            return None
        start, content = self._next(0), b""
        body, head = self._body, self._capture.head
        is_there = isinstance(body, wire.SizedBody) and body.remaining <= self._at_hand
        if head is None or self._file is None or self._file.headers is None or not (
            is_there or isinstance(body, wire.NoBody)
        ):  # fmt: skip
            self._pending = memoryview(start)
            return None
        if not self._capture.done:
            content = self._next(self._at_hand)
        self._file = None  # they hold each other: the collector would have to part them
        return AnswerBytes(start, head, content)

    def _guarded(self, call: Callable[[], Any], phase: str) -> Any:
        try:
            return call()
        except OSError as error:
            self._capture.fail(classify(error, phase))
            self._stand_in.hang_up()
            raise

    def _next(self, size: int) -> bytes:
        try:
            return super()._next(size)
        except BaseException:
            # A signal may have come between taking bytes off the wire and keeping them.
            if not self._capture.done:
                self._capture.abandon()
                self._stand_in.hang_up()
            raise

    def _open(self) -> bytes:
        budget = RetryBudget(self._stand_in.seam.engine.config, self._capture.plan)
        while True:
            self._stream = self._stand_in.real.makefile("rb")
            try:
                head, self._at_hand = self._guarded(
                    lambda: wire.read_head_and_more(self._stream), HEAD
                )
            except wire.GarbageError as error:
                raw = error.raw.decode("latin-1")
                self._fail(Failure("protocol", "not an HTTP response", 0, HEAD, raw))
                return error.raw
            if head is None:
                self._fail(Failure("disconnected", "closed without a response", 0, HEAD))
                return b""
            wait = budget.wait_for(head)
            if wait is None:
                return self._accept(head)
            self._capture.retries += 1
            self._stream.close()
            clock.sleep(wait)
            self._guarded(lambda: self._stand_in.send_again(self._raw), HEAD)

    def _fail(self, failure: Failure) -> None:
        self._ended = True
        self._capture.fail(failure)
        self._stand_in.hang_up()

    def _accept(self, head: Head) -> bytes:
        method = self._capture.plan.request.method
        self._capture.head = head
        self._body = wire.body_reader(self._stream, method, head)
        if self._file is not None and need_no_parser(head):
            self._declare_framing(method, head)
            self._file.headers = head.headers
            start = framing.status_line(head) + b"\r\n"
        else:
            start = self._declare(method, head)
        if self._body.complete:
            self._finish()
        return start

    def _begin_chunk(self) -> int:
        body = self._body
        if self._capture.done or not isinstance(body, wire.ChunkedBody):
            return 0
        length: int = self._guarded(body.begin, BODY)
        if length:
            self._capture.chunk(length)
        return length

    def _garbage(self) -> bytes:
        return getattr(self._body, "garbage", b"")

    def _read(self, size: int) -> tuple[bytes, bool]:
        if self._capture.done:
            return b"", self._body.complete
        data: bytes = self._guarded(lambda: self._body.read(size), BODY)
        if data:
            self._capture.write(data)
        if self._body.complete:
            self._finish()
        elif not data:
            raw = self._garbage().decode("latin-1")
            self._fail(Failure("truncated", "the connection was closed too early", 0, BODY, raw))
        return data, self._body.complete

    def _finish(self) -> None:
        """The response is whole: keep it before the caller has its last byte."""
        head = self._capture.head
        assert head is not None
        self._capture.finish()
        self._stream.close()
        if isinstance(self._body, wire.UnsizedBody) or not wire.persists(head):
            self._stand_in.hang_up()

    def close(self) -> None:
        """Keep what the caller did not read where little is left of it, then let go."""
        if self.closed:
            return
        try:
            if self._capture.is_ours and not self._capture.done:
                if self._opened:
                    self._drain()
                else:
                    self._capture.fail(_unread())
                self._capture.abandon()
                self._stand_in.hang_up()
        finally:
            if self._stream is not None:
                self._stream.close()
            self._file = None
            super().close()

    def give_up(self, error: Exception | None) -> None:
        """The caller never asked for the response: sending failed, or it lost interest."""
        capture = self._capture
        if error is not None:
            capture.fail(classify(error, HEAD))
        elif capture.keep and capture.is_ours and not capture.done:
            self._hear_out()
        capture.abandon()

    def _hear_out(self) -> None:
        """Keep a response that may be on its way: the request was made, so a replay needs it."""
        real = self._stand_in.real
        try:
            real.settimeout(_DRAIN_SECONDS)
            self._stream = real.makefile("rb")
            head = wire.read_head(self._stream)
            if head is not None:
                self._accept(head)
                self._opened = True
                self._drain()
            self._stream.close()
        except (OSError, wire.GarbageError):
            pass
        if self._capture.head is None:
            self._capture.fail(_unread())

    def _rest(self, size: int) -> bytes:
        """More of a body that its caller will not read; new chunks are noted."""
        if self.framed and not self._left:
            self._left = self._begin_chunk()
        data = self._body.read(size)
        self._left -= min(self._left, len(data))
        return data

    def _drain(self) -> None:
        body, real = self._body, self._stand_in.real
        if not self._opened or real is None or self._capture.head is None:
            return
        if isinstance(body, wire.SizedBody) and body.remaining > _DRAIN_LIMIT:
            return
        before, left, end = real.gettimeout(), _DRAIN_LIMIT, clock.monotonic() + _DRAIN_SECONDS
        try:
            real.settimeout(_DRAIN_SECONDS)  # the rest may never come; or its socket was collected
            while left > 0 and clock.monotonic() < end and (data := self._rest(left)):
                self._capture.write(data)
                left -= len(data)
        except OSError:
            return  # what was read until here is what is kept
        real.settimeout(before)
        if body.complete:
            self._finish()
