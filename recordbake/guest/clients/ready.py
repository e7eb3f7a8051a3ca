"""Answers that need no wire: the request is known whole, so nothing has to be serialised for it.

A client's own connection object is put into the state that it has after sending; the response is
then read from it by the client's own code. Whatever is out of the ordinary is left to the way
over the wire's bytes, which takes the same answer.
"""

from __future__ import annotations

import re

from ..exchange import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..engine import Engine
    from ..exchange import Headers, Take
    from .deferred_socket import DeferredSocket

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: A target that urllib3 sends as it is (RFC 3986: unreserved, sub-delims, ":@/?", upper case %XX).
PLAIN_TARGET = re.compile(r"/(?!/)(?:[\w.~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*", re.ASCII)
#: Names that http.client sends; it raises for others.
_NAME = re.compile(r"[^:\s][^:\r\n]*", re.ASCII)
#: Fields by which a client sends otherwise.
_TAKEN_UP = frozenset({"expect", "transfer-encoding"})
_SKIP_HEADER = "@@@SKIP_HEADER@@@"  # urllib3.util.SKIP_HEADER
#: States of http.client's connections, between two requests and before a response is read.
_IDLE, _SENT = "Idle", "Request-sent"


#: Names that were found plain: a client sends few different ones.
_plain_names: set[str] = set()
_MOST_NAMES = 1000


def _is_plain_name(name: str) -> bool:
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN_UP:
        return False
    if len(_plain_names) < _MOST_NAMES:
        _plain_names.add(name)
    return True


def plain_headers(headers: Mapping[Any, Any] | None) -> Headers | None:
    """Request headers as they would be sent, or None where a client does more with them."""
    found = []
    for name, value in (headers or {}).items():
        if type(name) is not str or type(value) is not str:
            return None
        if not (name in _plain_names or _is_plain_name(name)) or value == _SKIP_HEADER:
            return None
        if not (value.isascii() and value.isprintable()):
            return None
        found.append((name, value))
    return found


def plain_body(body: Any) -> bytes | None:
    """A request body as it would be sent, or None where it has to be read first."""
    if body is None:
        return b""
    if type(body) is str and body.isascii():
        return body.encode("ascii")
    return body if type(body) is bytes else None


def plain_request(method: str, url: str, headers: Any, body: Any) -> Request | None:
    """A request through urllib3 as it would be sent, or None where that takes its own code."""
    pairs, data = plain_headers(headers), plain_body(body)
    if pairs is None or data is None or method not in METHODS:
        return None
    return Request(method, url, pairs, data, "urllib3")


def ready_take(engine: Engine, request: Request) -> Take | None:
    """The answer to a request, journalled as a hit; None: ask on the way over the wire."""
    plan = engine.answer(request)
    return None if plan is None else plan.take


def is_idle(connection: Any) -> bool:
    """Whether http.client would begin a new request on this connection."""
    response = connection._HTTPConnection__response
    return connection._HTTPConnection__state == _IDLE and (response is None or response.isclosed())


def put_answer(connection: Any, take: Take, method: str) -> None:
    """Bring an idle connection with a deferred socket to where its response can be read."""
    socket: DeferredSocket = connection.sock
    socket.answer(take, method)
    connection._HTTPConnection__response = None
    connection._HTTPConnection__state = _SENT
    connection._method = method
