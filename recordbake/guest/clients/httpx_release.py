"""A response of httpx's that was read is freed as soon as nobody holds it.

httpx's stream holds its response, to note in it how long it took, and the response its stream. So
each waits, with its body, for Python's collector, and the next one needs fresh memory: of a large
body, page by page from the system, which takes longer than reading its file. From its end on the
stream holds the response weakly. httpx2's does not hold it at all.
"""

from __future__ import annotations

import functools
import sys
from weakref import proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def install(module: ModuleType) -> None:
    """Patch the streams of ``httpx``, if they hold responses; recording and replaying alike.

    Raises:
        AttributeError, KeyError: this release has no such streams.
    """
    client = sys.modules[f"{module.__name__}._client"]
    if "_response" in client.BoundSyncStream.close.__code__.co_names:
        _patch_close(client.BoundSyncStream, module.Response)
        _patch_aclose(client.BoundAsyncStream, module.Response)


def _let_go(stream: Any, response_class: Any) -> None:
    response = vars(stream).get("_response")
    if type(response) is response_class:  # one of a test's own class may not bear it
        stream._response = proxy(response)


def _patch_close(cls: Any, response_class: Any) -> None:
    original = cls.close

    @functools.wraps(original)
    def close(self: Any) -> None:
        try:
            original(self)
        except ReferenceError:  # closed once more, and its response is gone
            self._stream.close()
        _let_go(self, response_class)

    cls.close = close


def _patch_aclose(cls: Any, response_class: Any) -> None:
    original = cls.aclose

    @functools.wraps(original)
    async def aclose(self: Any) -> None:
        try:
            await original(self)
        except ReferenceError:
            await self._stream.aclose()
        _let_go(self, response_class)

    cls.aclose = aclose
