"""The ``network_stream`` extension of a replayed response, which has no connection."""

from __future__ import annotations

import functools
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def make(library: str, *, is_async: bool) -> Any:
    """A stream of httpcore's own class: closed, and without addresses or certificates.

    https://www.encode.io/httpcore/extensions/#network_stream

    Args:
        library: ``httpx`` or ``httpx2``; its httpcore is loaded by the time it asks.
        is_async: which of httpcore's two interfaces.
    """
    core: Any = sys.modules[library.replace("httpx", "httpcore")]
    return (_async_class if is_async else _sync_class)(core)()


def _extra_info(info: str) -> Any:
    return False if info == "is_readable" else None


def _closed(core: Any) -> Exception:
    error = core.ReadError("recordbake: a replayed response has no connection")
    assert isinstance(error, Exception)
    return error


@functools.lru_cache(maxsize=2)
def _sync_class(core: Any) -> Any:
    class ReplayedStream(core.NetworkStream):  # type: ignore[misc]
        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
            raise _closed(core)

        def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
            raise _closed(core)

        def close(self) -> None:
            """Nothing to close."""

        def get_extra_info(self, info: str) -> Any:
            return _extra_info(info)

    return ReplayedStream


@functools.lru_cache(maxsize=2)
def _async_class(core: Any) -> Any:
    class AsyncReplayedStream(core.AsyncNetworkStream):  # type: ignore[misc]
        async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
            raise _closed(core)

        async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
            raise _closed(core)

        async def aclose(self) -> None:
            """Nothing to close."""

        def get_extra_info(self, info: str) -> Any:
            return _extra_info(info)

    return AsyncReplayedStream
