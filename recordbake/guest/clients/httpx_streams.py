"""Response bodies for httpx: from a take, and from the wire into a capture."""

from __future__ import annotations

import functools
import sys
from weakref import WeakKeyDictionary

from ..exchange import CANCELLED
from .httpx_failures import classify, raise_failure
from .pieces import pieces, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import ModuleType
    from typing import Any

    from ..capture import Capture
    from ..exchange import Take

#: Seconds that a request waits to be cancelled again, where its read timeout does not say.
_PATIENCE = 60.0


async def wait_to_be_cancelled(request: Any) -> None:
    """Wait as the request did while recording, until its caller cancels it or it times out."""
    limit = request.extensions.get("timeout", {}).get("read")
    await sys.modules["anyio"].sleep(_PATIENCE if limit is None else limit)


class Streams:
    """Makes body streams that are instances of one httpx's own stream classes.

    Args:
        answer_class, live_class: built by :func:`make_streams`.
    """

    def __init__(self, answer_class: Any, live_class: Any) -> None:
        self._answer = answer_class
        self._live = live_class

    def answer(self, take: Take, request: Any, *, is_async: bool) -> Any:
        """The body of a take."""
        return self._answer[is_async](take, request)

    def live(self, inner: Any, capture: Capture, *, is_async: bool, chunks: bool) -> Any:
        """The body of a live response; ``chunks``: its pieces mean something."""
        return self._live[is_async](inner, capture, chunks)


def make_streams(module: ModuleType) -> Streams:
    """Define the stream classes for ``httpx`` or ``httpx2``: it checks what they are."""
    return Streams(_answer_classes(module), (_live_class(module), _async_live_class(module)))


def join_large(module: ModuleType) -> Callable[[Any, Any], None]:
    """Let ``Response.read`` and ``aread`` have a large body in one piece, which they would join.

    Who iterates over the body still gets it in pieces.

    Returns:
        What is to be told of a response and its stream.
    """
    large: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
    cls: Any = module.Response
    read, aread = cls.read, cls.aread

    def mark_joined(response: Any) -> None:
        stream = large.pop(response, None) if large else None
        if stream is not None:
            stream.joined = True

    @functools.wraps(read)
    def read_joined(self: Any) -> Any:
        mark_joined(self)
        return read(self)

    @functools.wraps(aread)
    async def aread_joined(self: Any) -> Any:
        mark_joined(self)
        return await aread(self)

    cls.read, cls.aread = read_joined, aread_joined
    return large.__setitem__


def _answer_classes(module: ModuleType) -> tuple[Any, Any]:
    class Answer(module.SyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, take: Take, request: Any) -> None:
            self.take, self.request, self.joined = take, request, False

        def __iter__(self) -> Iterator[bytes]:
            yield from (whole(self.take),) if self.joined else pieces(self.take)
            if self.take.failure is not None:
                raise_failure(module, self.take.failure, self.request)

    class AsyncAnswer(module.AsyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, take: Take, request: Any) -> None:
            self.take, self.request, self.joined = take, request, False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in (whole(self.take),) if self.joined else pieces(self.take):
                yield piece
            failure = self.take.failure
            if failure is not None:
                if failure.kind == CANCELLED:
                    await wait_to_be_cancelled(self.request)
                raise_failure(module, failure, self.request)

    return Answer, AsyncAnswer


def _settle(module: ModuleType, capture: Capture, error: BaseException) -> None:
    """What an exception in the middle of a body means for what is kept of it."""
    if isinstance(error, module.TransportError):
        capture.fail(classify(module, error))
    elif isinstance(error, (Exception, KeyboardInterrupt, SystemExit)):
        capture.abandon()  # interrupted by the test: the wire cannot be read on
    elif not isinstance(error, GeneratorExit):
        capture.cancel()
    # On GeneratorExit the caller stopped reading; closing decides.


def _keep(capture: Capture, piece: bytes, *, chunks: bool) -> bytes:
    if chunks:
        capture.chunk(len(piece))
    capture.write(piece)
    return piece


def _live_class(module: ModuleType) -> Any:
    class Live(module.SyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, inner: Any, capture: Capture, chunks: bool) -> None:
            self.inner, self.capture, self.chunks = inner, capture, chunks
            self.pieces = iter(inner)

        def __iter__(self) -> Iterator[bytes]:
            try:
                for piece in self.pieces:
                    yield _keep(self.capture, piece, chunks=self.chunks)
            except BaseException as error:
                _settle(module, self.capture, error)
                raise
            self.capture.finish()

        def close(self) -> None:
            self.capture.abandon()  # what was not read is not fetched: it may never come
            self.inner.close()

    return Live


def _async_live_class(module: ModuleType) -> Any:
    class AsyncLive(module.AsyncByteStream):  # type: ignore[name-defined,misc]
        def __init__(self, inner: Any, capture: Capture, chunks: bool) -> None:
            self.inner, self.capture, self.chunks = inner, capture, chunks
            self.pieces = inner.__aiter__()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self.pieces:
                    yield _keep(self.capture, piece, chunks=self.chunks)
            except BaseException as error:
                _settle(module, self.capture, error)
                raise
            self.capture.finish()

        async def aclose(self) -> None:
            self.capture.abandon()  # what was not read is not fetched: it may never come
            await self.inner.aclose()

    return AsyncLive
