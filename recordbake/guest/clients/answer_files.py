"""What http.client reads a recorded response from, and its parser, which is spared the text.

Parsing the text that a recorded head would be made into costs as much as the rest of an answer.
"""

from __future__ import annotations

import functools
import io
import re
from functools import lru_cache
from operator import itemgetter

from ..patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..exchange import Head, Headers, Take
    from .response_reader import ResponseReader

#: Fields whose text http.client parses to just these fields, without defects: names are tokens
#: (RFC 9110 section 5.6.2), values have no blanks at their ends and make no parts.
_PLAIN_FIELDS = Pattern(
    r"(?:[\w!#$%&'*+.^`|~-]+:(?!multipart/|message/| )[ -~]*(?<! )\n)*", re.ASCII
)
_LONGEST = 32768  # characters of all fields: half of what http.client takes for one line
_first, _second = itemgetter(0), itemgetter(1)
_PLAIN_REASON = Pattern(r"(?! )[ -~]*(?<! )")

#: http.client and its own parser of header fields, once it is wrapped by :func:`wrap_parser`.
_wrapped: list[Any] = []
#: Its class of responses, and what makes one.
_made_by: list[Any] = []
#: What a response knows that was just made.
_blank: dict[str, Any] = {}


class Lenient(io.BufferedIOBase):
    """A file that may be flushed after it was closed.

    Python's collector may close it before the ``HTTPResponse`` that reads from it and then flushes
    it; what a real socket's file does there depends on the order, too, but it is seldom met.
    """

    def flush(self) -> None:
        """Nothing is written here."""


class _Content(Lenient, io.BytesIO):
    """A small, whole body."""

    # What io does with a file of Python's own at its end, in a fiftieth of a hit.
    __del__ = io.BytesIO.close

    def peek(self, size: int = 0) -> bytes:  # noqa: ARG002  # as a buffered reader does
        """What is there, without taking it."""
        return bytes(self.getbuffer()[self.tell() :])


class AnswerBytes(_Content):
    """A small, whole response; see :class:`AnswerFile`.

    Args:
        start: the head's bytes without its fields.
        head: the head.
        body: its body.
    """

    def __init__(self, start: bytes, head: Head, body: bytes) -> None:
        super().__init__(start + body)
        self.head = head
        self.headers: Headers | None = head.headers


class AnswerFile(Lenient, io.BufferedReader):
    """Any recorded response, for http.client to read.

    Attributes:
        headers: fields that are not in the bytes, for the parser wrapped by :func:`wrap_parser`.
    """

    def __init__(self, reader: ResponseReader, headers: Headers | None) -> None:
        super().__init__(reader, 65536)
        self.reader = reader
        self.headers = headers


def need_no_parser(head: Head) -> bool:
    """Whether parsing the text of a head's fields gives just these fields, and no defects."""
    return _plain_values(head) is not None


def _plain_values(head: Head) -> dict[str, str] | None:
    """Values of fields that need no parser by names in lower case; of equal names the first."""
    if not _wrapped or _wrapped[0].parse_headers is not _wrapped[1] or head.interim:
        return None
    fields = tuple(head.headers)
    plain, values = _looked_at(fields)
    return values if plain and len(fields) < _wrapped[0]._MAXHEADERS else None  # a suite may set it


@lru_cache(maxsize=128)  # what is asked for again, and servers that say the same of much
def _looked_at(fields: tuple[tuple[str, str], ...]) -> tuple[bool, dict[str, str]]:
    """Whether fields are plain, and their values by names in lower case; of equal names the first.

    No loop: each hit asks for it.
    """
    text = "\n".join([*map(":".join, fields), ""])
    plain = len(text) < _LONGEST and _PLAIN_FIELDS.fullmatch(text) is not None
    backwards = fields[::-1]
    names = map(str.lower, map(_first, backwards))
    return plain, dict(zip(names, map(_second, backwards), strict=True))


def wrap_parser(module: ModuleType) -> None:
    """Let ``http.client`` take a recorded head as it is.

    Its ``parse_headers`` takes the fields; ``HTTPResponse.begin`` the status, too, of a response
    that is like most.
    """
    original = module.parse_headers

    def parse_headers(fp: Any, _class: Any = module.HTTPMessage) -> Any:
        headers = fp.headers if type(fp) in (AnswerBytes, AnswerFile) else None
        if headers is None:
            return original(fp, _class=_class)
        fp.headers = None
        return _message(_class, headers)

    parse_headers.__doc__ = original.__doc__
    module.parse_headers = parse_headers  # type: ignore[attr-defined]
    _wrapped[:] = [module, parse_headers]
    _wrap_begin(module.HTTPResponse, parse_headers)
    _made_by[:] = [module.HTTPResponse, module.HTTPResponse.__init__]


def _message(message_class: Any, headers: Headers) -> Any:
    message = message_class()
    message._headers.extend(headers)  # what set_raw() does with each
    message._payload = ""
    return message


def begun(take: Take, method: str, *, plain: bool = False) -> Any:
    """``http.client``'s response of a take, begun, as after its connection was closed.

    Args:
        take: the take.
        method: of the request.
        plain: it is known that its head needs no parser.

    Returns:
        None for what is not like most: its head has to be parsed, or its body is not at hand.
    """
    head, body = take.head, take.body
    if head is None or body is None or take.failure is not None:
        return None
    fields = _looked_at(tuple(head.headers))[1] if plain else _plain_values(head)
    if fields is None or not _is_common(head, fields):
        return None
    module: Any = _wrapped[0]
    cls, source = module.HTTPResponse, _Content(body)
    message = _message(module.HTTPMessage, head.headers)
    if cls is not _made_by[0] or cls.__init__ is not _made_by[1]:  # somebody wants to see it made
        response = cls(_Source(source), method=method)
        response.headers = response.msg = message
        _set_state(response, head, fields)
        return response
    if not _blank:
        first = cls(_Source(_Content()))
        _blank.update(vars(first))  # before it ends: it notes that it was closed
    response, state = cls.__new__(cls), _blank.copy()
    state["fp"], state["_method"], state["headers"], state["msg"] = source, method, message, message
    state |= _state_of(head, fields, method)
    vars(response).update(state)  # to set one by one costs four times as much
    return response


class _Source:
    """What http.client makes a response of, where there is no connection.

    Args:
        file: what ``makefile`` returns.
    """

    __slots__ = ("_file",)

    def __init__(self, file: _Content) -> None:
        self._file = file

    def makefile(self, _: str) -> _Content:
        """As a socket's."""
        return self._file


def _wrap_begin(cls: Any, parse_headers: Any) -> None:
    original, steps = cls.begin, (cls._read_status, cls._check_close)

    @functools.wraps(original)
    def begin(self: Any) -> None:
        fp = self.fp
        plain = (
            type(fp) in (AnswerBytes, AnswerFile) and self.headers is None and not self.debuglevel
            and (type(self)._read_status, type(self)._check_close) == steps
        )  # fmt: skip
        if plain and type(fp) is AnswerFile:
            fp = fp.reader.whole()
            if fp is not None:
                self.fp = fp
        if plain and fp is not None and fp.headers is not None:
            head = fp.head
            _, fields = _looked_at(tuple(head.headers))
            if _is_common(head, fields):
                fp.readline()
                self.headers = self.msg = parse_headers(fp)
                _set_state(self, head, fields)
                return
        original(self)

    cls.begin = begin


def _is_common(head: Head, fields: dict[str, str]) -> bool:
    """Whether a head is one of HTTP/1.1, of a response that is not chunked."""
    return (
        head.version != "1.0"
        and 200 <= head.status <= 999  # noqa: PLR2004
        and "transfer-encoding" not in fields
        and (head.reason == "OK" or _PLAIN_REASON.fullmatch(head.reason) is not None)
    )


def _set_state(response: Any, head: Head, fields: dict[str, str]) -> None:
    """Note in an ``http.client.HTTPResponse`` what ``begin`` would."""
    for name, value in _state_of(head, fields, response._method).items():
        setattr(response, name, value)


def _state_of(head: Head, fields: dict[str, str], method: str | None) -> dict[str, Any]:
    """What ``begin`` of ``http.client.HTTPResponse`` notes of a head; unchanged since Python 3.4.

    Args:
        head: the head.
        fields: its fields, by names in lower case; of equal names the first.
        method: of the request.
    """
    status = head.status
    bodiless = status in (204, 304) or method == "HEAD"
    length = 0 if bodiless else _length(fields.get("content-length"))
    return {
        "code": status, "status": status, "reason": head.reason, "version": 11, "chunked": False,
        "length": length,
        "will_close": length is None or "close" in fields.get("connection", "").lower(),
    }  # fmt: skip


def _length(value: str | None) -> int | None:
    try:
        length = int(value) if value else -1
    except ValueError:
        return None
    return None if length < 0 else length
