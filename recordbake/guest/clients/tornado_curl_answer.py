"""Recorded takes for libcurl, over sockets that lead nowhere.

libcurl is told to connect by a function of ours (CURLOPT_OPENSOCKETFUNCTION(3)), which gives it
one end of a pair; its request is read at the other end, and answered there. Without TLS: an
``https`` URL is asked for over plain HTTP, and shown as it was.
"""

from __future__ import annotations

import fcntl
import socket
import termios
from importlib import import_module

from .. import decision
from ..exchange import PARTIAL, Head, Request, Take
from ..request_buffer import RequestBuffer
from .answer_reader import AnswerReader
from .tornado_curl_tap import NAME
from .tornado_urls import after, origin_of, with_tls, without_tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Failure, Headers
    from .tornado_curl import Transfer

_PIECE = 65536
#: Whatever libcurl is asked to connect to; no name is looked up.
_ANYWHERE = "::127.0.0.1:9"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Of a block: an application's callback has ended the transfer (libcurl-errors(3)).
_ABORTED = 42
#: libcurl's number and text for what another client recorded.
_ERRORS = {
    "dns": (6, "Could not resolve host"),
    "refused": (7, "Failed to connect to server"),
    "connect": (7, "Failed to connect to server"),
    "connect_timeout": (28, "Connection timed out"),
    "read_timeout": (28, "Operation timed out"),
    "tls": (35, "SSL connect error"),
    "disconnected": (52, "Empty reply from server"),
    "protocol": (1, "Received HTTP/0.9 when not allowed"),
}
_LOST = (56, "Recv failure: Connection reset by peer")
#: Seconds between two looks at whether libcurl has read all, and how many there are.
_LOOK_AGAIN, _LOOKS = 0.002, 500


class StandIn:
    """The answers of one fetch.

    Args:
        transfer: the fetch.
    """

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._url = self._asked = ""
        self._lines: dict[bytes, bytes] = {}
        self._streams: list[Any] = []
        self._iostream: Any = import_module("tornado.iostream")

    def begin(self, curl: Any) -> None:
        """A handle is about to make the fetch, from its beginning."""
        pycurl = self._transfer.seam.pycurl
        self._url = self._asked = self._transfer.request.url
        curl.setopt(pycurl.URL, without_tls(self._url))
        curl.setopt(pycurl.CONNECT_TO, [_ANYWHERE])
        curl.setopt(pycurl.PROXY, "")
        # A connection serves one request, and none that was opened to somewhere serves any.
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        curl.setopt(pycurl.SOCKOPTFUNCTION, lambda *_: pycurl.SOCKOPT_ALREADY_CONNECTED)

    def undo(self, curl: Any) -> None:
        """The handle may be used for another."""
        pycurl = self._transfer.seam.pycurl
        curl.setopt(pycurl.CONNECT_TO, [])
        curl.setopt(pycurl.FRESH_CONNECT, 0)
        curl.setopt(pycurl.FORBID_REUSE, 0)
        for function in (pycurl.OPENSOCKETFUNCTION, pycurl.SOCKOPTFUNCTION):
            curl.setopt(function, None)

    def finish(self) -> None:
        """The fetch is over."""
        for stream in self._streams:
            stream.close()

    def shown(self, line: bytes) -> bytes:
        """A line of a head as it was recorded; empty where there was none."""
        return self._lines.get(line, line)

    def true_url(self, url: str) -> str:
        """What libcurl would say is the URL of the answer."""
        return with_tls(url, self._asked) if self._asked.startswith("https:") else url

    def _open(self, *_: Any) -> Any:
        ours, libcurls = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003
        stream = self._iostream.IOStream(ours)
        self._streams.append(stream)
        self._transfer.client.io_loop.add_callback(self._serve, stream, libcurls)
        return libcurls  # pycurl takes a duplicate

    async def _serve(self, stream: Any, libcurls: socket.socket) -> None:
        libcurls.close()
        buffer = RequestBuffer()
        try:
            while not buffer.complete:
                had_head = buffer.has_head
                buffer.feed(await stream.read_bytes(_PIECE, partial=True))
                if buffer.has_head and not had_head and buffer.expects_continue:
                    await stream.write(_CONTINUE)
            await self._decide(stream, buffer)
        except self._iostream.StreamClosedError:
            return  # libcurl has given up
        except Exception as error:
            self._transfer.end(_ABORTED, f"recordbake: {error}")

    async def _decide(self, stream: Any, buffer: RequestBuffer) -> None:
        transfer, self._asked = self._transfer, self._url
        url = origin_of(self._url) + buffer.target
        plan = transfer.plan(Request(buffer.method, url, buffer.headers, buffer.body(), NAME))
        if plan.action == decision.BLOCK:
            transfer.end(_ABORTED, plan.message)
        elif plan.action != decision.ANSWER:
            transfer.again(live=True)
        else:
            assert plan.take is not None
            transfer.settled += 1
            await self._answer(stream, buffer.method, plan.take)

    async def _answer(self, stream: Any, method: str, take: Take) -> None:
        failure = take.failure
        if take.head is None:
            assert failure is not None
            await self._fail(stream, failure)
            return
        reader = AnswerReader(self._for_libcurl(take, take.head), method)
        reader.plain_fields = None
        buffer = bytearray(_PIECE)
        try:
            while count := reader.readinto(buffer):
                await stream.write(bytes(buffer[:count]))
        except OSError:
            pass  # it is told below
        finally:
            reader.close()
        if failure is not None and failure.kind not in (PARTIAL, "truncated"):
            await self._drain(stream)
            self._transfer.end(*_error(failure))
        stream.close()

    async def _fail(self, stream: Any, failure: Failure) -> None:
        """There was no head."""
        if failure.kind in ("disconnected", "protocol") and not failure.errno:
            await stream.write(failure.raw.encode("latin-1"))
            stream.close()
        else:
            self._transfer.end(*_error(failure))

    def _for_libcurl(self, take: Take, head: Head) -> Take:
        """A take with a head that libcurl goes on from as it did live."""
        url, lines = self._url, self._lines
        lines.clear()
        if head.version == "2":  # it is told in the form of an older version
            lines[f"HTTP/1.1 {head.status}\r\n".encode()] = f"HTTP/2 {head.status} \r\n".encode()
        if self._transfer.request.follow_redirects:
            self._url = after(url, head)
        unread = take.failure is not None and take.failure.kind == PARTIAL
        fields: Headers = []
        for name, value in head.headers:
            told = value
            if name.lower() == "location" and value.lower().startswith(("https://", "//")):
                told = without_tls(value if value[0] != "/" else url.partition("//")[0] + value)
            elif name.lower() == "content-length" and unread:
                told = str(take.body_size)  # libcurl does not read the body of a redirect
            fields.append((name, told))
            if told != value:
                lines[_line(name, told)] = _line(name, value)
        if head.version == "2" and take.chunks:  # frames, which it would not see else
            fields.append(("Transfer-Encoding", "chunked"))
            lines[_line("Transfer-Encoding", "chunked")] = b""
        shown = Head(head.status, head.reason, head.version, fields, head.interim, head.trailers)
        answer = Take(
            take.key, take.take, shown, take.body_size, body=take.body, body_path=take.body_path,
            failure=None if unread else take.failure,
        )  # fmt: skip
        answer.chunks = take.chunks
        return answer

    @staticmethod
    async def _drain(stream: Any) -> None:
        """Wait until libcurl has read what came before a failure."""
        gen: Any = import_module("tornado.gen")
        for _ in range(_LOOKS):
            try:
                unread = fcntl.ioctl(stream.socket, termios.TIOCOUTQ, b"\0" * 4)
            except OSError:
                return  # a system that does not tell it of such sockets
            if not any(unread):
                return
            await gen.sleep(_LOOK_AGAIN)


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("latin-1")


def _error(failure: Failure) -> tuple[int, str]:
    """Libcurl's number and text of a failure."""
    if failure.client == NAME:
        return failure.errno, failure.message
    return _ERRORS.get(failure.kind, _LOST)
