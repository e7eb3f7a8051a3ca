"""urllib3's shorter way to a hit: neither the request nor the response's head become text.

From urllib3 2.0 on, whose connections have one ``request`` for all and ``getresponse`` makes the
response out of what ``request`` noted. Whatever is out of the ordinary goes the whole way.
"""

from __future__ import annotations

import functools
import sys
from operator import attrgetter

from .connection import DEFERRED, url_of
from .http_client import is_ours
from .ready import (
    PLAIN_TARGET,
    given,
    handed_take,
    is_idle,
    is_sent,
    plain_request,
    put_answer,
    watch,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Headers, Take

#: What serialises a request; a test that replaces one of these wants to see it.
_WIRE = ("putrequest", "putheader", "endheaders", "send")
_WIRE_NAMES = frozenset(_WIRE)
#: What reads a response, likewise.
_BASE, _PARSER = ("getresponse",), ("__init__", "begin", "_read_status", "_check_close")


def patch_requests(module: ModuleType, cls: Any, engine: Engine) -> None:
    """Patch ``request`` and ``getresponse`` of ``urllib3.connection.HTTPConnection``."""
    if hasattr(module, "_ResponseOptions") and engine.answers:
        _patch_request(cls, module._ResponseOptions, engine)
        _patch_getresponse(cls)


def _patch_request(cls: Any, options: Any, engine: Engine) -> None:
    """Answer a hit without serialising its request for a deferred socket to parse it."""
    original, base = cls.request, cls.__mro__[1]
    steps = attrgetter(*_WIRE)
    wire, sent = steps(cls), steps(base)

    @functools.wraps(original)
    def request(  # noqa: PLR0913
        self: Any, method: Any, url: Any, body: Any = None, headers: Any = None, *,
        chunked: bool = False, preload_content: bool = True, decode_content: bool = True,
        enforce_content_length: bool = True,
    ) -> None:  # fmt: skip
        own = steps(type(self)) == wire and steps(base) == sent
        if not chunked and own and _is_direct(self):
            take = _ready_take(self, engine, method, url, headers, body)
            if take is not None:
                if self.sock is None:
                    self.connect()
                self._response_options = options(
                    method, url, preload_content, decode_content, enforce_content_length
                )
                put_answer(self, take, method)
                return
        original(
            self, method, url, body, headers, chunked=chunked, preload_content=preload_content,
            decode_content=decode_content, enforce_content_length=enforce_content_length,
        )  # fmt: skip

    cls.request = request


def _is_direct(connection: Any) -> bool:
    """Whether a connection is ours, and waits with nothing replaced on it."""
    return (
        (connection.sock is None or type(connection.sock) in DEFERRED)
        and _WIRE_NAMES.isdisjoint(vars(connection))
        and is_ours(connection)
        and is_idle(connection)
    )


def _ready_take(  # noqa: PLR0913, PLR0917
    connection: Any, engine: Engine, method: Any, url: Any, headers: Any, body: Any
) -> Take | None:
    if type(url) is not str or not PLAIN_TARGET.fullmatch(url):
        return None
    asked = plain_request(method, url_of(connection, url), headers, body)
    return None if asked is None else handed_take(engine, asked)


def _patch_getresponse(cls: Any) -> None:
    """Let a head that needs no parser be urllib3's header fields as it is.

    urllib3 would look for defects in the text that the fields were parsed from, and unfold them.
    """
    original, base = cls.getresponse, cls.__mro__[1]
    make: Any = None
    parser: Any = sys.modules["http.client"].HTTPResponse
    are_own = watch((base, _BASE), (parser, _PARSER))

    def is_own(connection: Any) -> bool:
        """Whether nobody wants to see how a response is read from a connection."""
        return connection.response_class is parser and not connection.debuglevel and are_own()

    @functools.wraps(original)
    def getresponse(self: Any) -> Any:
        nonlocal make
        sock, options = self.sock, self._response_options
        fields = sock.plain_fields() if type(sock) in DEFERRED and options else None
        if fields is None:
            return original(self)
        make = make or maker()
        self._response_options = None
        sock.settimeout(self.timeout)
        answer = given(self) if is_own(self) and is_sent(self) else None
        if answer is None:
            answer = base.getresponse(self)
        return make(answer, fields, options, self._http_vsn_str, sock.shutdown)

    cls.getresponse = getresponse


def maker() -> Any:
    """What makes urllib3's response of http.client's, as ``getresponse`` does in this release."""
    responses: Any = sys.modules["urllib3.response"]
    connections: Any = sys.modules["urllib3.connection"]
    accepted = responses.HTTPResponse.__init__.__code__.co_varnames
    newer = [name for name in ("version_string", "sock_shutdown") if name in accepted]
    header_dict = connections.HTTPHeaderDict
    add = header_dict.add

    def headers_of(fields: Headers) -> Any:
        made = connections.HTTPHeaderDict()
        by_name = {name.lower(): [name, value] for name, value in fields}
        if len(by_name) == len(fields) and type(made) is header_dict and header_dict.add is add:
            made._container = by_name  # what ``add`` makes of each, where no name comes twice
        else:
            made.extend(fields)
        return made

    def make(answer: Any, fields: Headers, options: Any, *values: Any) -> Any:
        return responses.HTTPResponse(
            body=answer, headers=headers_of(fields), status=answer.status, version=answer.version,
            reason=answer.reason, preload_content=options.preload_content,
            decode_content=options.decode_content, original_response=answer,
            enforce_content_length=options.enforce_content_length,
            request_method=options.request_method, request_url=options.request_url,
            **dict(zip(newer, values, strict=False)),
        )  # fmt: skip

    return make
