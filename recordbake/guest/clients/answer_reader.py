"""A recorded take as the bytes of a response."""

from __future__ import annotations

import _io
import io

from .. import framing
from ..exchange import chunk_lengths
from .answer_files import AnswerBytes, AnswerFile, need_no_parser
from .response_reader import ResponseReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..exchange import Failure, Take

# A suite may replace functions of Python by mocks; these are the real ones.
_open = _io.open


def answer_file(reader: AnswerReader) -> AnswerFile | AnswerBytes:
    """The response that a reader serves, as what ``makefile`` of a socket returns."""
    take, headers = reader.take, reader.plain_fields
    if headers is None or take.body is None or take.failure is not None:
        return AnswerFile(reader, headers)
    start = reader.start()
    assert take.head is not None
    if reader.framed:
        return AnswerFile(reader, headers)
    return AnswerBytes(start, take.head, take.body)


def _rebuilt(failure: Failure) -> Exception:
    from .failures import rebuild  # most answers have none

    return rebuild(failure)


class AnswerReader(ResponseReader):
    """A recorded take.

    Args:
        take: what was recorded.
        method: of the request that is being answered.
    """

    def __init__(self, take: Take, method: str) -> None:
        super().__init__()
        self.take = take
        self.method = method
        head = take.head
        #: The head's fields where they need no parser; the bytes are then without them.
        self.plain_fields = head.headers if head is not None and need_no_parser(head) else None
        self._file: BinaryIO | None = None
        self._lengths = chunk_lengths(take.chunks)

    def start(self) -> bytes:
        """The head's bytes, but for plain fields."""
        head = self.take.head
        assert head is not None
        if self.plain_fields is None:
            return self._declare(self.method, head)
        self._declare_framing(self.method, head)
        return framing.status_line(head) + b"\r\n"

    def _open(self) -> bytes:
        take = self.take
        if take.head is None:
            assert take.failure is not None
            if take.failure.kind not in ("disconnected", "protocol"):
                raise _rebuilt(take.failure)
            self._ended = True
            return take.failure.raw.encode("latin-1")
        self._file = (
            io.BytesIO(take.body)
            if take.body is not None
            else _open(take.body_path or "", "rb")  # closed with the response
        )
        return self.start()

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``, straight from the body's file where nothing comes between."""
        if self._file is None or self._pending or self.framed or self.take.failure is not None:
            return super().readinto(buffer)
        return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def _begin_chunk(self) -> int:
        return next(self._lengths, 0)

    def _last_chunk(self) -> bytes:
        assert self.take.head is not None
        return framing.last_chunk(self.take.head.trailers)

    def _garbage(self) -> bytes:
        return self.take.failure.raw.encode("latin-1") if self.take.failure else b""

    def _read(self, size: int) -> tuple[bytes, bool]:
        assert self._file is not None
        data = self._file.read(size)
        failure = self.take.failure
        if not data and failure is not None and failure.kind != "truncated":
            raise _rebuilt(failure)
        return data, failure is None

    def close(self) -> None:
        """Close the body's file."""
        if self._file is not None:
            self._file.close()
        super().close()
