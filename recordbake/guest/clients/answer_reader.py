"""A recorded take as the bytes of a response."""

from __future__ import annotations

import io

from .failures import rebuild
from .response_reader import ResponseReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ..exchange import Take


class AnswerReader(ResponseReader):
    """A recorded take.

    Args:
        take: what was recorded.
        method: of the request that is being answered.
    """

    def __init__(self, take: Take, method: str) -> None:
        super().__init__()
        self._take = take
        self._method = method
        self._file: BinaryIO | None = None

    def _open(self) -> bytes:
        take = self._take
        if take.head is None:
            assert take.failure is not None
            if take.failure.kind not in ("disconnected", "protocol"):
                raise rebuild(take.failure)
            self._ended = True
            return take.failure.raw.encode("latin-1")
        self._file = (
            io.BytesIO(take.body) if take.body is not None else open(take.body_path or "", "rb")  # noqa: SIM115  # closed with the response
        )
        return self._declare(self._method, take.head)

    def _read(self, size: int) -> tuple[bytes, bool]:
        assert self._file is not None
        data = self._file.read(size)
        failure = self._take.failure
        if not data and failure is not None and failure.kind != "truncated":
            raise rebuild(failure)
        return data, failure is None

    def close(self) -> None:
        """Close the body's file."""
        if self._file is not None:
            self._file.close()
        super().close()
