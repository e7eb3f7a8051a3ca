"""What libcurl's debug function is told of live exchanges, kept (CURLOPT_DEBUGFUNCTION(3))."""

from __future__ import annotations

import logging

from .. import decision
from ..exchange import BODY, CONNECT, HEAD, Failure, Request
from ..request_buffer import RequestBuffer, whole_request
from .response_tap import ResponseTap
from .retry import RetryBudget
from .tornado_urls import after, becomes_get, origin_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..capture import Capture
    from ..exchange import Headers
    from .tornado_curl import Transfer

NAME = "tornado-curl"
#: Kinds of what libcurl is told (curl/curl.h, ``curl_infotype``).
_HEADER_IN, _HEADER_OUT, _DATA_IN, _DATA_OUT = 1, 2, 3, 4
#: Numbers of libcurl-errors(3) that are the network's or the server's doing, and what they are.
#: 28 is a timeout of either kind.
KINDS = {
    5: "dns", 6: "dns", 7: "refused", 28: "read_timeout",
    35: "tls", 51: "tls", 53: "tls", 54: "tls", 58: "tls", 59: "tls", 60: "tls", 66: "tls",
    77: "tls", 80: "tls", 83: "tls", 90: "tls", 91: "tls",
    1: "protocol", 8: "protocol", 16: "protocol", 92: "protocol", 96: "protocol",
    18: "truncated", 52: "disconnected", 55: "reset", 56: "reset",
}  # fmt: skip
_TIMEOUT = 28
#: Kinds that, behind a redirect, are not of its answer but of the connection to where it leads.
_CONNECTING = frozenset({"dns", "refused", "read_timeout", "tls"})


class CurlTap:
    """The live exchanges of one fetch, one after the other.

    Args:
        transfer: the fetch.
    """

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._url = ""
        self._number = 0
        self._buffer: RequestBuffer | None = None
        self._response: ResponseTap | None = None
        self._capture: Capture | None = None
        self._budget: RetryBudget | None = None
        self._tunnel = False
        self._asked = False
        self._goes_on = False
        #: Seconds after which a busy server is to be asked again.
        self.wait: float | None = None

    def begin(self, curl: Any) -> None:
        """A handle is about to make the fetch, from its beginning."""
        pycurl = self._transfer.seam.pycurl
        self._url, self._number, self.wait = self._transfer.request.url, 0, None
        self._buffer = self._response = None
        self._asked = self._goes_on = False
        curl.setopt(pycurl.VERBOSE, 1)
        curl.setopt(pycurl.DEBUGFUNCTION, self._hear)

    def undo(self, curl: Any) -> None:
        """The handle may be used for another."""
        curl.setopt(self._transfer.seam.pycurl.VERBOSE, 0)

    def _hear(self, kind: int, data: bytes) -> None:
        if logging.getLogger("tornado.curl_httpclient").isEnabledFor(logging.DEBUG):
            self._transfer.client._curl_debug(kind, data)  # as tornado would have been told
        if kind == _HEADER_OUT:
            self._begin_hop(data)
        elif self._tunnel:
            return  # a proxy's answer to CONNECT
        elif kind == _DATA_OUT and self._buffer is not None:
            self._send(data)
        elif kind == _HEADER_IN:
            self._receive_head(data)
        elif kind == _DATA_IN:
            self._receive(data)

    @property
    def _is_settled(self) -> bool:
        """Whether this exchange was seen to in an attempt before."""
        return self._number <= self._transfer.settled

    def _begin_hop(self, data: bytes) -> None:
        if self._buffer is not None and not self._buffer.has_head:
            self._send(data)
            return
        self._tunnel = data.startswith(b"CONNECT ")
        if self._tunnel:
            return
        answered = self._response is not None and self._response.head is not None
        if answered or not self._number:  # else a connection was closed while it was idle
            self._end_hop()
            self._number += 1
        self._response = None
        self._buffer, self._asked, self._goes_on = RequestBuffer(), False, False
        self._send(data)

    def _send(self, data: bytes) -> None:
        assert self._buffer is not None
        if not self._buffer.complete and self._buffer.feed(data):
            self._ask(self._buffer.method, self._target(), self._buffer.headers)

    def _target(self) -> str:
        assert self._buffer is not None
        target = self._buffer.target
        return origin_of(self._url) + target if target.startswith("/") else target

    def _tap(self) -> ResponseTap:
        assert self._buffer is not None
        # Who expects a 100 is given one by a replay.
        return ResponseTap(self._buffer.method, keep_100=not self._buffer.expects_continue)

    def _ask(self, method: str, url: str, headers: Headers) -> None:
        """A request is on its way."""
        self._asked = True
        if self._response is None:
            self._response = self._tap()
        if self._is_settled or self._capture is not None:
            return
        assert self._buffer is not None
        engine = self._transfer.seam.engine
        plan = self._transfer.plan(Request(method, url, headers, self._buffer.body(), NAME))
        if plan.action == decision.ANSWER:
            return  # asked for in vain: an exchange after it was missing
        self._capture = engine.watch(plan)
        self._budget = RetryBudget(engine.config, plan)

    def _receive_head(self, data: bytes) -> None:
        buffer, response = self._buffer, self._response
        if buffer is None:
            return
        if response is None:  # it has come before the request's body was sent
            response = self._response = self._tap()
        if response.head is not None:
            return  # trailers
        response.feed_head(data)
        if response.head is None:
            return
        if not self._asked:
            self._ask(buffer.method, self._target(), buffer.headers)
        request = self._transfer.request
        if request.follow_redirects:
            self._url, before = after(self._url, response.head), self._url
            self._goes_on = self._url != before
        if self._capture is None or self._budget is None or self._is_settled:
            return
        if request.header_callback is None and request.streaming_callback is None:
            self.wait = self._budget.wait_for(response.head)
        if self.wait is None:
            response.begin(self._capture)
        else:
            self._capture.retries += 1

    def _receive(self, data: bytes) -> None:
        response = self._response
        if response is None:
            return
        if response.head is None:
            response.feed_head(data)  # no head, but something
        elif response.is_begun:
            response.feed(data)

    def _end_hop(self) -> None:
        """What libcurl has not read of an answer, it does not want: a redirect's body."""
        response = self._response
        if response is not None and response.is_begun and self._capture is not None:
            self._capture.abandon()
            self._capture = self._budget = None
            self._transfer.settled = self._number
        self._response = None

    def finish(self, number: int | None, text: str) -> None:
        """The fetch is over.

        Args:
            number: of libcurl's error, if there was one.
            text: of it.
        """
        if number in KINDS:
            self._fail(number, text)
        elif self._capture is not None and not number and self._response is not None:
            failure = self._response.closed()
            if failure is not None and self._response.head is None:
                self._capture.fail(failure)  # libcurl takes it for whole
        self._end_hop()
        if self._capture is not None:
            self._capture.abandon()

    def _fail(self, number: int, text: str) -> None:
        kind, phase = KINDS[number], HEAD
        if not self._asked or (self._goes_on and kind in _CONNECTING):
            phase = CONNECT
            if number == _TIMEOUT:
                kind = "connect_timeout"
            self._ask_in_vain()
        elif self._response is not None and self._response.head is not None:
            phase = BODY
        if self._capture is None or self._capture.done:
            return
        raw = ""
        if kind in ("protocol", "disconnected") and self._response is not None and phase == HEAD:
            raw = self._response.raw.decode("latin-1")
        chain: Any = [("tornado.curl_httpclient", "CurlError", [number, text])]
        self._capture.fail(Failure(kind, text, number, phase, raw, chain=chain))

    def _ask_in_vain(self) -> None:
        """Libcurl did not come to sending a request: it is the one that it would have sent."""
        request, before, answer = self._transfer.request, self._buffer, self._response
        method, body = request.method, request.body or b""
        headers = list(request.headers.get_all())
        if answer is None or answer.head is None or before is None:
            if request.auth_username is not None:
                headers.append(("Authorization", "Basic"))  # of any kind
        else:
            method = before.method
            if becomes_get(method, answer.head.status):
                method, body = "GET", b""
            if origin_of(self._url) != origin_of(request.url):
                headers = []  # credentials, above all, are not for another origin
        self._end_hop()
        self._number += 1
        self._buffer = whole_request(method, headers, body)
        self._ask(method, self._url, headers)
