"""The two ends of a captured connection: aiohttp's own response protocol, twice.

One faces aiohttp, above a deferred transport; the other reads a real connection, and undoes no
more than the framing. Both are mixed with the ``ResponseHandler`` of the aiohttp that is patched.
"""

from __future__ import annotations

import inspect

from ..exchange import BODY, HEAD, Failure, Head
from .failures import classify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..exchange import Headers

#: Bytes that are kept of what may turn out not to be HTTP.
_GARBAGE_LIMIT = 65536
#: Bytes of a line or field, and number of fields: the caller's parser has its own, tighter ones.
_LIMITS = {"max_line_size": 1 << 20, "max_field_size": 1 << 20, "max_headers": 1 << 15}


class CallersEnd:
    """The caller's end: tells what became of the caller's timeouts."""

    module: Any
    timer: Any = None
    #: The text of the error of a read timeout of the caller's, once it has run out.
    timed_out: str | None = None
    _read_timeout: float | None
    _on_read_timeout: Any

    def set_response_params(self, *, timer: Any = None, **params: Any) -> None:
        """aiohttp's, called before each request."""
        self.timer = timer
        super().set_response_params(timer=timer, **params)  # type: ignore[misc]

    def set_exception(self, exc: BaseException, *cause: Any) -> None:
        """aiohttp's, called with what ends a response."""
        if isinstance(exc, self.module.ServerTimeoutError):
            self.timed_out = str(exc)
        super().set_exception(exc, *cause)  # type: ignore[misc]

    @property
    def total_ran_out(self) -> bool:
        """Whether the caller's total timeout is over."""
        return bool(getattr(self.timer, "_cancelled", False))

    def time_out(self, message: str) -> None:
        """Let the timeout of the caller's run out now that ended the request when recorded.

        Args:
            message: the text of its error; aiohttp's total timeout has none.
        """
        run_out = getattr(self.timer, "timeout", None)
        if run_out is not None and not (message and self._read_timeout):
            run_out()
        else:
            self._on_read_timeout()


class WiresEnd:
    """The server's end; the framing ends here, the rest is as it came."""

    module: Any
    limits: dict[str, int]
    #: The transport's error, once the connection is lost.
    error: BaseException | None = None
    #: What was received since the last request, or its beginning.
    raw: bytearray
    transport: Any
    connection_made: Any
    read: Any

    def begin(self, transport: Any) -> None:
        """Take over a connection that has just been made."""
        self.raw = bytearray()
        transport.set_protocol(self)
        self.connection_made(transport)

    def send(self, raw: bytes, method: str) -> None:
        """Send a whole request."""
        self.raw = bytearray()
        super().set_response_params(  # type: ignore[misc]
            skip_payload=method == "HEAD", read_until_eof=True, auto_decompress=False,
            read_timeout=None, read_bufsize=65536, **self.limits,
        )  # fmt: skip
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        """Asyncio's."""
        if len(self.raw) < _GARBAGE_LIMIT:
            self.raw += data
        super().data_received(data)  # type: ignore[misc]

    def connection_lost(self, exc: BaseException | None) -> None:
        """Asyncio's."""
        self.error = exc
        super().connection_lost(exc)  # type: ignore[misc]

    async def response(self) -> tuple[Head, Any]:
        """The response's head, with the interim ones before it, and its body's stream.

        Raises:
            Exception: aiohttp's error; :meth:`failure` says what it was.
        """
        interim: list[tuple[int, str, Headers]] = []
        while True:
            message, payload = await self.read()
            head = _head_of(message)
            if head.status // 100 != 1 or head.status == 101:  # noqa: PLR2004
                head.interim = interim
                return head, payload
            if head.status != 100:  # noqa: PLR2004
                interim.append((head.status, head.reason, head.headers))

    def failure(self, error: Exception, phase: str) -> Failure:
        """What kind of failure the exception of a response or its body is."""
        if self.error is not None:
            return classify(self.error, phase)
        if phase == BODY:
            return Failure("truncated", "the connection was closed too early", 0, BODY)
        raw = bytes(self.raw).decode("latin-1")
        if isinstance(error, self.module.ServerDisconnectedError):
            return Failure("disconnected", "closed without a response", 0, HEAD, raw)
        return Failure("protocol", "not an HTTP response", 0, HEAD, raw)


def make_protocols(client_proto: ModuleType, module: ModuleType) -> tuple[Any, Any]:
    """The classes of the caller's end and of the wire's.

    Args:
        client_proto: ``aiohttp.client_proto``.
        module: ``aiohttp``.
    """
    parent: Any = client_proto.ResponseHandler
    known = inspect.signature(parent.set_response_params).parameters
    limits = {name: value for name, value in _LIMITS.items() if name in known}
    shared = {"module": module, "limits": limits}
    facing = {**shared, "__module__": parent.__module__}  # it shows in warnings
    return (
        type(parent.__name__, (CallersEnd, parent), facing),
        type("Wire", (WiresEnd, parent), shared),
    )


def _head_of(message: Any) -> Head:
    """Status line and header fields; aiohttp decodes as UTF-8 and keeps the bytes of fields."""
    reason = message.reason.encode("utf-8", "surrogateescape").decode("latin-1")
    headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message.raw_headers]
    version = f"{message.version.major}.{message.version.minor}"
    return Head(message.code, reason, version, headers)
