"""tornado's ``CurlAsyncHTTPClient``, whose requests libcurl makes.

There is no seam below libcurl's C, so it is listened to and led: while recording by the debug
function, which is told every byte of head and body (:mod:`.tornado_curl_tap`); in a replay by
sockets that lead nowhere (:mod:`.tornado_curl_answer`). Either way redirects, authentication,
decoding and errors are libcurl's, and each exchange that it makes is one.
"""

from __future__ import annotations

import contextvars
import functools
import sys

from .patching import is_patched, mark
from .tornado_curl_answer import StandIn
from .tornado_curl_tap import CurlTap
from .tornado_urls import port_of, split
from .versions import problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Request
    from ..plan import Plan


#: Whose version :func:`install` returns.
CLIENT = "pycurl"


class Transfer:
    """One fetch, however often libcurl is asked to make it.

    Args:
        seam: with what all transfers share.
        client: tornado's.
        request: tornado's.
    """

    def __init__(self, seam: CurlSeam, client: Any, request: Any) -> None:
        self.seam = seam
        self.client = client
        self.request = request
        #: How many of its exchanges have been seen to, in an attempt before.
        self.settled = 0
        self.tap = CurlTap(self)
        self.stand_in = StandIn(self) if seam.engine.answers else None
        self.curl: Any = None
        self._info: Any = None
        self._context = contextvars.copy_context()

    def begin(self, curl: Any) -> None:
        """Libcurl's handle is set up for it."""
        self.curl, self._info = curl, curl.info
        (self.stand_in or self.tap).begin(curl)

    def plan(self, request: Request) -> Plan:
        """What is decided for one of its exchanges, in the name of who asked for the fetch."""
        return self._context.run(self.seam.engine.plan, request)

    @property
    def is_current(self) -> bool:
        """Whether the handle is still at it."""
        return self.curl is not None and self.curl.info is self._info

    def shown(self, line: bytes) -> bytes:
        """A line of a head, as the caller is to see it."""
        return line if self.stand_in is None else self.stand_in.shown(line)

    def end(self, number: int, text: str) -> None:
        """Let the fetch fail with an error of libcurl's (libcurl-errors(3))."""
        if self.is_current:
            self.client._finish(self.curl, number, text)
            self._go_on()

    def again(self, seconds: float = 0, *, live: bool = False) -> None:
        """Make the fetch once more, from its beginning.

        Args:
            seconds: to wait before.
            live: without answers from the store.
        """
        if not self.is_current:
            return
        client, curl, info = self.client, self.curl, self._info
        if live:
            self.stand_in = None
        self.forget()
        client._multi.remove_handle(curl)
        curl.info = None
        curl.reset()
        client._free_list.append(curl)
        self.seam.resumed[id(self.request)] = self
        entry = (info["request"], info["callback"], info["queue_start_time"])
        client.io_loop.call_later(seconds, self._queue, entry)

    def _queue(self, entry: Any) -> None:
        if self.client._multi is not None:  # closed since
            self.client._requests.append(entry)
            self._go_on()

    def _go_on(self) -> None:
        if self.client._multi is not None:
            self.client._process_queue()
            self.client._set_timeout(0)

    def finish(self, number: int | None, text: str | None) -> bool:
        """Libcurl is done; False where it is to try again."""
        wait = None if number else self.tap.wait
        if wait is not None:
            self.again(wait)
            return False
        if self.stand_in is None:
            self.tap.finish(number, text or "")
        else:
            self.stand_in.finish()
            callback = self._info["callback"]
            self._info["callback"] = functools.partial(self._call_back, callback, self.stand_in)
        self.forget()
        return True

    @staticmethod
    def _call_back(callback: Any, stand_in: StandIn, response: Any) -> None:
        if response.error is None or response.code != 599:  # noqa: PLR2004  # tornado's for none
            response.effective_url = stand_in.true_url(response.effective_url)
        callback(response)

    def forget(self) -> None:
        """The handle may be used for another fetch; before tornado 6.5 it keeps its options."""
        self.seam.transfers.pop(id(self._info["headers"]), None)
        (self.stand_in or self.tap).undo(self.curl)


class CurlSeam:
    """What all transfers share.

    Args:
        module: ``tornado.curl_httpclient``.
        engine: decides and captures.
    """

    def __init__(self, module: ModuleType, engine: Engine) -> None:
        self.module: Any = module
        self.pycurl: Any = sys.modules["pycurl"]
        self.engine = engine
        #: By the identity of the fields that tornado collects for it.
        self.transfers: dict[int, Transfer] = {}
        #: By the identity of the request that is about to be made once more.
        self.resumed: dict[int, Transfer] = {}

    def begin(self, client: Any, curl: Any, request: Any, headers: Any) -> None:
        """Libcurl's handle is set up for a request."""
        parts = split(request.url)
        if parts.scheme not in ("http", "https") or self.engine.bypasses(
            parts.hostname or "", port_of(parts)
        ):
            return
        transfer = self.resumed.pop(id(request), None) or Transfer(self, client, request)
        self.transfers[id(headers)] = transfer
        transfer.begin(curl)


def _patch(cls: Any, seam: CurlSeam) -> None:
    setup, finish, show = cls._curl_setup_request, cls._finish, cls._curl_header_callback

    @functools.wraps(setup)
    def set_up(self: Any, curl: Any, request: Any, buffer: Any, headers: Any) -> None:
        setup(self, curl, request, buffer, headers)
        seam.begin(self, curl, request, headers)

    @functools.wraps(finish)
    def end(
        self: Any, curl: Any, curl_error: int | None = None, curl_message: str | None = None
    ) -> None:
        transfer = seam.transfers.get(id(curl.info["headers"]))
        if transfer is None or transfer.finish(curl_error, curl_message):
            finish(self, curl, curl_error, curl_message)

    @functools.wraps(show)
    def show_line(self: Any, headers: Any, header_callback: Any, line: bytes) -> None:
        transfer = seam.transfers.get(id(headers))
        shown = line if transfer is None else transfer.shown(line)
        if shown:
            show(self, headers, header_callback, shown)

    mark(set_up)
    cls._curl_setup_request, cls._finish, cls._curl_header_callback = set_up, end, show_line


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``tornado.curl_httpclient``; returns pycurl's version.

    Raises:
        RuntimeError: tornado is not of a release that is known.
    """
    cls: Any = module.CurlAsyncHTTPClient
    if not is_patched(cls._curl_setup_request):
        _patch(cls, CurlSeam(module, engine))
    if reason := problem("tornado", str(sys.modules["tornado"].version)):
        raise RuntimeError(reason)
    own = str(sys.modules["pycurl"].version).split()[0]  # as "PycURL/7.49.0 libcurl/8.23.0 ..."
    return own.partition("/")[2]
