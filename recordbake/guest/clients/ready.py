"""Answers that need no wire: the request is known whole, so nothing has to be serialised for it.

A client's own connection object is put into the state that it has after sending; the response is
then read from it by the client's own code. Whatever is out of the ordinary is left to the way
over the wire's bytes, which takes the same answer.
"""

from __future__ import annotations

import re
from _thread import _local  # that of threading, which need not be loaded
from collections import OrderedDict
from operator import attrgetter

from ..patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..engine import Engine
    from ..exchange import Headers, Request, Take
    from .deferred_socket import DeferredSocket

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: A target that urllib3 sends as it is (RFC 3986: unreserved, sub-delims, ":@/?", upper case %XX).
PLAIN_TARGET = Pattern(
    r"/(?!/)[\w.~!$&'()*+,;=:@/?-]*(?:%[0-9A-F]{2}[\w.~!$&'()*+,;=:@/?-]*)*", re.ASCII
)
#: Names that http.client sends; it raises for others.
_NAME = Pattern(r"[^:\s][^:\r\n]*", re.ASCII)
#: Fields by which a client sends otherwise.
_TAKEN_UP = frozenset({"expect", "transfer-encoding"})
_SKIP_HEADER = "@@@SKIP_HEADER@@@"  # urllib3.util.SKIP_HEADER
#: States of http.client's connections, between two requests and before a response is read.
_IDLE, _SENT = "Idle", "Request-sent"


#: Fields that were found plain: most requests of a client have the same.
_plain: set[tuple[tuple[str, str], ...]] = set()
_MOST_SETS = 100
_handed = _local()


def plain_headers(headers: Mapping[Any, Any] | None) -> Headers | None:
    """Request headers as they would be sent, or None where a client does more with them."""
    # requests has its fields ready in there; its items() is a loop of its own.
    store = getattr(headers, "_store", None)
    pairs = (headers or {}).items() if type(store) is not OrderedDict else store.values()
    fields = tuple(pairs)
    try:
        return list(fields) if fields in _plain or _are_plain(fields) else None
    except TypeError:  # a value that is a list, say
        return None


def _are_plain(fields: tuple[tuple[Any, Any], ...]) -> bool:
    for name, value in fields:
        if type(name) is not str or type(value) is not str or value == _SKIP_HEADER:
            return False
        if not _NAME.fullmatch(name) or name.lower() in _TAKEN_UP:
            return False
        if not (value.isascii() and value.isprintable()):
            return False
    if len(_plain) >= _MOST_SETS:
        _plain.clear()
    _plain.add(fields)
    return True


def plain_body(body: Any) -> bytes | None:
    """A request body as it would be sent, or None where it has to be read first."""
    if body is None:
        return b""
    if type(body) is str and body.isascii():
        return body.encode("ascii")
    return body if type(body) is bytes else None


def _first_request(*values: Any) -> Request:
    """The class of requests, which is loaded with the first and put in the place of this."""
    global _request  # noqa: PLW0603  # no call more for each request
    from ..exchange import Request

    _request = Request
    return Request(*values)


_request: Any = _first_request


def plain_request(method: str, url: str, headers: Any, body: Any) -> Request | None:
    """A request through urllib3 as it would be sent, or None where that takes its own code."""
    pairs, data = plain_headers(headers), plain_body(body)
    if pairs is None or data is None or method not in METHODS:
        return None
    made: Request = _request(method, url, pairs, data, "urllib3")
    return made


def hand_over(request: Request, take: Take | None) -> None:
    """Keep what a way that is given up has been told, for the next one that this thread takes."""
    _handed.pair = request, take


def forget() -> None:
    """Let go of what was handed over, if nobody took it."""
    vars(_handed).clear()


def handed_take(engine: Engine, request: Request) -> Take | None:
    """The answer to a request, where another way may have asked already."""
    asked, take = vars(_handed).pop("pair", (None, None))
    return take if asked == request else engine.answer(request)


def is_idle(connection: Any) -> bool:
    """Whether a connection of urllib3's leads to the host itself, tells nobody, and waits."""
    return (
        connection.proxy is None
        and connection._tunnel_host is None
        and not connection.debuglevel
        and _is_in(connection, _IDLE)
    )


def is_sent(connection: Any) -> bool:
    """Whether http.client would read a response from this connection now."""
    return _is_in(connection, _SENT)


def _is_in(connection: Any, state: str) -> bool:
    response = connection._HTTPConnection__response
    return connection._HTTPConnection__state == state and (response is None or response.isclosed())


_LONGEST = 1e9  # seconds, some thirty years: a socket takes more, but not infinity


def is_time(timeout: Any) -> bool:
    """Whether a timeout is one that urllib3 takes without a word."""
    return timeout is None or (type(timeout) in (int, float) and 0 < timeout < _LONGEST)


def watch(*owners: tuple[Any, Sequence[str]]) -> Callable[[], bool]:
    """Watch what is passed by, and would be noticed by whoever has replaced it.

    Args:
        owners: modules and classes, each with names of its members.

    Returns:
        What tells whether all of these are what they are now.

    Raises:
        AttributeError: one of them is not there.
    """
    getters = [(attrgetter(*names), owner) for owner, names in owners if names]
    watched = [(get, owner, get(owner)) for get, owner in getters]

    def is_untouched() -> bool:
        try:
            for get, owner, own in watched:
                if get(owner) != own:
                    return False
        except AttributeError:
            return False
        return True

    return is_untouched


def put_answer(connection: Any, take: Take, method: str) -> None:
    """Bring an idle connection with a deferred socket to where its response can be read."""
    socket: DeferredSocket = connection.sock
    socket.answer(take, method)
    connection._HTTPConnection__response = None
    connection._HTTPConnection__state = _SENT
    connection._method = method


def given(connection: Any) -> Any:
    """The response of a connection that has its answer, as ``getresponse`` of http.client gives it.

    None: it has to be read.
    """
    response = connection.sock.begun()
    if response is not None:
        connection._HTTPConnection__state = _IDLE
        if response.will_close:
            connection.close()
        else:
            connection._HTTPConnection__response = response
    return response
