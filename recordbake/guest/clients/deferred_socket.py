"""A stand-in for a connection's socket that opens the real one only when a request must go live."""

from __future__ import annotations

import functools
import io
import socket
from contextlib import suppress

from .. import decision
from ..exchange import CONNECT, OWN, Head, Request
from ..request_buffer import RequestBuffer
from .answer_files import begun
from .answer_reader import AnswerReader, answer_file
from .connection import DEFERRED, is_beyond, runs_proxy_of, url_of
from .stand_in import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from ..capture import Capture
    from ..exchange import Failure, Headers, Take
    from ..plan import Plan
    from .http_client import HttpClientSeam
    from .live_reader import LiveReader

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_IDLE = "Idle"  # http.client's state between two requests
#: What urllib3 takes for a server that has answered already: it asks for the response all the same;
#: and http.client for data that it has to send by pieces.
_SWALLOWED = (BrokenPipeError, ConnectionResetError, TypeError)


def _bytes_of(data: Any) -> bytes:
    """Data that are sent, as bytes.

    Raises:
        TypeError: a socket would not take them.
    """
    try:
        return data if type(data) is bytes else bytes(memoryview(data))
    except TypeError:
        message = f"a bytes-like object is required, not {type(data).__name__!r}"
        raise TypeError(message) from None


@functools.cache
def live_parts() -> tuple[type[LiveReader], Callable[..., Failure], ModuleType]:
    """What going live takes: a replay needs none, and a process that ends can import no more."""
    import select

    from .failures import classify
    from .live_reader import LiveReader

    return LiveReader, classify, select


class _Idle:
    """A descriptor that never becomes readable, for clients that poll kept-alive sockets."""

    #: Bare descriptors: sockets would be told of as unclosed when the process ends.
    pair: tuple[int, int] | None = None

    @classmethod
    def fileno(cls, *, readable: bool = False) -> int:
        if cls.pair is None:
            ends = socket.socketpair()
            ends[1].send(b"\0")  # the first end is readable from now on, the second never
            cls.pair = ends[0].detach(), ends[1].detach()
        return cls.pair[0 if readable else 1]


class DeferredSocket(StandIn):
    """Answers to what http.client and urllib3 ask of a socket.

    Args:
        connection: the client's connection object.
        seam: how to open the real connection and which errors to raise.
        waiting: whether the request that it is for has begun, as when http.client connects itself.
    """

    def __init__(self, connection: Any, seam: HttpClientSeam, *, waiting: bool = True) -> None:
        super().__init__(connection, seam)
        self._waiting = waiting
        self._buffer = RequestBuffer()
        self._reader: AnswerReader | LiveReader | None = None
        self._error: Exception | None = None
        self._continue_due = False
        self._handed_over = False

    # -- the request ---------------------------------------------------------------------------

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ARG002
        """Collect bytes; decide once they are a whole request.

        Raises:
            Exception: the client's own error for a block or a failed connection.
        """
        __tracebackhide__ = True  # pytest then shows the suite's own lines
        if type(data) is int and isinstance(self._error, TypeError):
            raise self._error  # http.client takes it for one of its data, and sends that by pieces
        self._error = None
        if self._handed_over:
            self.real.sendall(data)
            return
        if self._buffer.feed(_bytes_of(data)):
            request, self._buffer = self._buffer, RequestBuffer()
            self._continue_due = request.expects_continue
            try:
                self._decide(request)
            except Exception as error:
                # Some clients swallow what sending raises, then ask for the response.
                self._error = error
                self._mend_state(error)
                raise

    def _mend_state(self, error: Exception) -> None:
        """Leave the client's connection as live one does that could not be made."""
        connection = self.connection
        if connection.sock is self:
            return
        if isinstance(error, _SWALLOWED):
            connection.sock = self  # some use it all the same
        elif not self._waiting:  # it would have failed before the request began
            connection._HTTPConnection__state = _IDLE

    def connect(self) -> None:
        """Connect as the caller asked for, without a request: an exchange of its own.

        Kept as method CONNECT of the origin, with status 200 where it came about. Where only
        requests to the origin were recorded, the connection waits for one, which can be answered
        or be told what it lacks.

        Raises:
            Exception: the client's own error for a block or a failed connection.
        """
        __tracebackhide__ = True
        url = url_of(self.connection, "/")
        request = Request("CONNECT", url, [], b"", self.seam.name)
        if self.seam.engine.waits_for_request(request):
            return
        try:
            plan = self._plan(request)
        except Exception:
            self.connection.sock = None
            raise
        if plan.action == decision.ANSWER:
            return
        capture = self.seam.engine.watch(plan)
        self._connect(capture)
        capture.head = Head(200, "Connected", "1.1", [])
        capture.finish()

    def answer(self, take: Take, method: str) -> None:
        """Have a take read as the response to a request that was not sent through here."""
        self._error = None
        self._reader = AnswerReader(take, method)

    def is_at_rest(self) -> bool:
        """Whether nothing was sent that waits for an answer, and nothing is connected or failed."""
        return self.real is None and self._reader is None and self._error is None

    def plain_fields(self) -> Headers | None:
        """The fields of the answer that waits to be read, where they need no parser."""
        reader = self._reader
        return reader.plain_fields if isinstance(reader, AnswerReader) else None

    def begun(self) -> Any:
        """http.client's response of the answer that waits to be read; None: it has to parse it."""
        reader = self._reader
        if not isinstance(reader, AnswerReader) or reader.plain_fields is None:
            return None
        response = begun(reader.take, reader.method, plain=True)
        if response is not None:
            self._reader = None
            self._continue_due = False
        return response

    def send(self, data: Any, flags: int = 0) -> int:
        """Like :meth:`sendall`; returns the number of bytes taken."""
        self.sendall(data, flags)
        return len(data)

    def _decide(self, buffer: RequestBuffer) -> None:
        __tracebackhide__ = True
        if type(self._timeout) is not object:  # http.client's default is one
            self.check_timeout()
        url = url_of(self.connection, buffer.target)
        request = Request(buffer.method, url, buffer.headers, buffer.body(), self.seam.name)
        plan = self._plan(request)
        if plan.action == decision.ANSWER:
            assert plan.take is not None
            if getattr(self.connection, "_tunnel_host", None):
                from .tunnel import open_tunnel

                open_tunnel(self.connection, self)
            if plan.take.head is None and runs_proxy_of(self.connection):
                self._show_proxy(bytes(buffer.raw))
            self._reader = AnswerReader(plan.take, request.method)
            return
        self._go_live(plan, bytes(buffer.raw))

    def _plan(self, request: Request) -> Plan:
        """What becomes of a request that has an answer or may go live; others are errors."""
        __tracebackhide__ = True
        plan = self.seam.engine.plan(request)
        if plan.action != decision.ANSWER:
            if plan.action == decision.BYPASS and is_beyond(self.connection, self.seam.engine):
                plan = self.seam.engine.plan(request, beyond=True)
            if plan.action == decision.BLOCK:
                raise self.seam.blocked(self.connection, plan)
        failure = None if plan.take is None else plan.take.failure
        if failure is not None and plan.action == decision.ANSWER and failure.phase == CONNECT:
            if runs_proxy_of(self.connection):
                self._show_proxy()
            if failure.kind not in ("tls", OWN):  # what did not connect has no socket
                self.connection.sock = None
            raise self.seam.failed(self.connection, failure)
        return plan

    def _show_proxy(self, raw: bytes = b"") -> None:
        """Let a proxy that the suite itself runs see what it failed: a connection, or a request.

        What was recorded is raised, whatever comes of this.
        """
        with suppress(Exception):
            self.adopt(self.seam.dial(self.connection, self))
            if raw:
                self.real.sendall(raw)
                self.real.recv(1)
        self.hang_up()

    def _go_live(self, plan: Plan, raw: bytes) -> None:
        capture = self.seam.engine.watch(plan)
        self._connect(capture)
        if plan.reason == "upgrade":
            self._handed_over = True  # what follows is not HTTP, and the caller's own
            capture.finish()
            self.real.sendall(raw)
            return
        self._reader = live_parts()[0](self, capture, raw)
        self.real.sendall(raw)

    def _connect(self, capture: Capture) -> None:
        _, classify, _ = live_parts()  # before there is a failure: it may be of files, too
        if self.real is not None and self._is_dropped():
            self.hang_up()
        if self.real is None:
            try:
                made = self.seam.dial(self.connection, self)
            except Exception as error:
                capture.fail(classify(error, CONNECT))
                self.hang_up()
                raise self.seam.surfaced(self.connection, error)  # noqa: B904
            self.adopt(made)

    def send_again(self, raw: bytes) -> None:
        """Send a request once more over a new connection, to wait out a busy server.

        Raises:
            Exception: the connection cannot be made any more.
        """
        self.hang_up()
        self.adopt(self.seam.dial(self.connection, self))
        self.real.settimeout(self._timeout_value())
        self.real.sendall(raw)

    def _is_dropped(self) -> bool:
        """Whether the server has closed a kept-alive connection (or sent what nobody asked for)."""
        select = live_parts()[2]
        poll = select.poll()
        poll.register(self.real, select.POLLIN)
        return bool(poll.poll(0))

    # -- the response --------------------------------------------------------------------------

    def makefile(
        self, mode: str = "rb", buffering: int | None = None, **_: Any
    ) -> io.BufferedReader | io.BytesIO:
        """The response to the request that was collected, as a file of bytes.

        Raises:
            Exception: what went wrong when the request was sent.
        """
        if self._handed_over:
            return self.real.makefile(mode, buffering)  # type: ignore[no-any-return]
        unbuffered = buffering == 0
        if "w" in mode:
            raise io.UnsupportedOperation(mode)
        if self._error is not None and self._reader is None:
            raise self._error
        if self._continue_due and unbuffered:  # it looks for a 100 only, by itself
            self._continue_due = False
            return io.BytesIO(_CONTINUE)
        if self._reader is None:
            if self._buffer.expects_continue:
                self._buffer.headers = [h for h in self._buffer.headers if h[0].lower() != "expect"]
                self._buffer.expects_continue = False
                return io.BytesIO(_CONTINUE)
            return io.BytesIO(b"")
        reader, self._reader = self._reader, None
        self._continue_due = False
        if isinstance(reader, AnswerReader):
            return answer_file(reader)
        return reader.file()

    def hang_up(self) -> None:
        """Close the real connection."""
        real, self.real, self._handed_over = self.real, None, False
        if real is not None:
            real.close()

    def fileno(self) -> int:
        """The real descriptor, or one that polls as the client expects."""
        if self._reader is not None:
            return _Idle.fileno(readable=self._continue_due)
        if self.real is not None and not self._buffer.has_head:
            return int(self.real.fileno())
        waiting = self._buffer.has_head and self._buffer.expects_continue
        return _Idle.fileno(readable=waiting)

    def close(self) -> None:
        """The response that is being read goes on, as with a socket's file objects."""
        reader, self._reader = self._reader, None
        if reader is not None and not isinstance(reader, AnswerReader):
            reader.give_up(self._error)
        self.hang_up()


DEFERRED.add(DeferredSocket)
