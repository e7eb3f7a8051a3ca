"""Request bodies that httpx sends as a stream: collected whole, and sent as they are.

What is no bytes, or fails on the way, is left to whoever would have stumbled over it: a server that
cannot be reached is found before that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType
    from typing import Any


class Bodies:
    """Collects bodies for ``httpx`` or ``httpx2``, which checks what their streams are.

    Args:
        module: either of them.
    """

    def __init__(self, module: ModuleType) -> None:
        self._whole = module.ByteStream
        self._broken = _broken_class(module)

    def collect(self, stream: Any) -> tuple[bytes, Any, Exception | None]:
        """A body as it selects an answer, a stream that can be sent, and why it is not whole."""
        pieces: list[Any] = []
        error = None
        try:
            for piece in stream:
                pieces.append(piece)  # noqa: PERF402  # those before an exception are sent
        except Exception as raised:  # the caller's own, which is raised again
            error = raised
        return self._sendable(pieces, error)

    async def acollect(self, stream: Any) -> tuple[bytes, Any, Exception | None]:
        """As :meth:`collect`."""
        pieces: list[Any] = []
        error = None
        try:
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401
        except Exception as raised:
            error = raised
        return self._sendable(pieces, error)

    def _sendable(
        self, pieces: list[Any], error: Exception | None
    ) -> tuple[bytes, Any, Exception | None]:
        broken = error
        try:
            body = b"".join(pieces)
        except TypeError as raised:
            body = b"".join([piece for piece in pieces if isinstance(piece, bytes)])
            broken = error or raised
        if broken is None:
            return body, self._whole(body), None
        # What became of a whole body of these bytes is no answer to it.
        return body + f"\0{type(broken).__name__}".encode(), self._broken(pieces, error), broken


def _broken_class(module: ModuleType) -> Any:
    class Broken(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, pieces: list[Any], error: Exception | None) -> None:
            self.pieces, self.error = pieces, error

        def __iter__(self) -> Iterator[Any]:
            yield from self.pieces
            if self.error is not None:
                raise self.error

        async def __aiter__(self) -> AsyncIterator[Any]:
            for piece in self:
                yield piece

    return Broken
