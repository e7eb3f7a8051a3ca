"""A recorded take as the bytes of a response."""

from __future__ import annotations

import io
import re

from .. import framing
from ..exchange import chunk_lengths
from .failures import rebuild
from .response_reader import Lenient, ResponseFile, ResponseReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, BinaryIO

    from ..exchange import Headers, Take


_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110 section 5.6.2
_MOST_HEADERS = 100  # http.client takes no more

#: http.client's own parser of header fields, once it is wrapped by :func:`wrap_parser`.
_wrapped: list[Any] = []


def wrap_parser(module: ModuleType) -> None:
    """Let ``http.client.parse_headers`` take the fields of a recorded head as they are.

    Parsing the text that they would be made into costs as much as the rest of an answer.
    """
    original = module.parse_headers

    def parse_headers(fp: Any, _class: Any = module.HTTPMessage) -> Any:
        headers = fp.headers if type(fp) in (AnswerBytes, AnswerFile) else None
        if headers is None:
            return original(fp, _class=_class)
        fp.headers = None
        message = _class()
        for name, value in headers:
            message.set_raw(name, value)
        message.set_payload("")
        return message

    parse_headers.__doc__ = original.__doc__
    module.parse_headers = parse_headers  # type: ignore[attr-defined]
    _wrapped[:] = [module, parse_headers]


def _need_no_parser(headers: Headers) -> bool:
    """Whether parsing the text of these fields gives just these fields, and no defects."""
    return (
        bool(_wrapped)
        and _wrapped[0].parse_headers is _wrapped[1]
        and len(headers) < _MOST_HEADERS
        and all(
            value.isprintable() and value == value.strip() and len(value) < framing.MAX_LINE // 2
            and _TOKEN.fullmatch(name) and not value.startswith(("multipart/", "message/"))
            for name, value in headers
        )
    )  # fmt: skip


class AnswerBytes(Lenient, io.BytesIO):
    """What http.client reads a small, whole response from; see :class:`AnswerFile`."""

    def __init__(self, start: bytes, headers: Headers, body: bytes) -> None:
        super().__init__(start + body)
        self.headers: Headers | None = headers

    def peek(self, size: int = 0) -> bytes:  # noqa: ARG002  # as a buffered reader does
        """What is there, without taking it."""
        return bytes(self.getbuffer()[self.tell() :])


def answer_file(reader: AnswerReader) -> AnswerFile | AnswerBytes:
    """The response that a reader serves, as what ``makefile`` of a socket returns."""
    take, headers = reader.take, reader.take_headers()
    if headers is None or take.body is None or take.failure is not None:
        return AnswerFile(reader, headers)
    start = reader.start()
    return AnswerFile(reader, headers) if reader.framed else AnswerBytes(start, headers, take.body)


class AnswerFile(ResponseFile):
    """What http.client reads a recorded response from.

    Attributes:
        headers: fields that are not in the bytes, for the parser wrapped by :func:`wrap_parser`.
    """

    def __init__(self, reader: AnswerReader, headers: Headers | None) -> None:
        super().__init__(reader, 65536)
        self.headers = headers


class AnswerReader(ResponseReader):
    """A recorded take.

    Args:
        take: what was recorded.
        method: of the request that is being answered.
    """

    def __init__(self, take: Take, method: str) -> None:
        super().__init__()
        self.take = take
        self._method = method
        self._bare = False
        self._file: BinaryIO | None = None
        self._lengths = chunk_lengths(take.chunks)

    def take_headers(self) -> Headers | None:
        """The head's fields where they need no parser; the bytes are then without them."""
        head = self.take.head
        self._bare = head is not None and not head.interim and _need_no_parser(head.headers)
        return head.headers if head is not None and self._bare else None

    def start(self) -> bytes:
        """The head's bytes, of which some may have been taken."""
        head = self.take.head
        assert head is not None
        if not self._bare:
            return self._declare(self._method, head)
        self._declare_framing(self._method, head)
        return framing.status_line(head) + b"\r\n"

    def _open(self) -> bytes:
        take = self.take
        if take.head is None:
            assert take.failure is not None
            if take.failure.kind not in ("disconnected", "protocol"):
                raise rebuild(take.failure)
            self._ended = True
            return take.failure.raw.encode("latin-1")
        self._file = (
            io.BytesIO(take.body) if take.body is not None else open(take.body_path or "", "rb")  # noqa: SIM115  # closed with the response
        )
        return self.start()

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``, straight from the body's file where nothing comes between."""
        if self._file is None or self._pending or self.framed or self.take.failure is not None:
            return super().readinto(buffer)
        return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def _begin_chunk(self) -> int:
        return next(self._lengths, 0)

    def _garbage(self) -> bytes:
        return self.take.failure.raw.encode("latin-1") if self.take.failure else b""

    def _read(self, size: int) -> tuple[bytes, bool]:
        assert self._file is not None
        data = self._file.read(size)
        failure = self.take.failure
        if not data and failure is not None and failure.kind != "truncated":
            raise rebuild(failure)
        return data, failure is None

    def close(self) -> None:
        """Close the body's file."""
        if self._file is not None:
            self._file.close()
        super().close()
