"""``content`` of a large answer through requests, read in one piece.

requests reads it in pieces of 10 KB, through urllib3's ``stream`` for each, and joins them. Who
iterates over a response still gets pieces. Loaded with a process's first large answer.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from weakref import WeakKeyDictionary

from ..exchange import header
from .patching import is_patched, mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..exchange import Take

#: Bytes above which a body is left in pieces.
_MOST = 1 << 30
#: What reads pieces of a response of urllib3.
_READING = frozenset({"read", "stream"})
#: Responses whose body is to be read at once, and its bytes.
_large: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def note(response: Any, take: Take) -> None:
    """Tell of a response of requests that was made of a take whose body is in a file."""
    models = sys.modules["requests.models"]
    head = take.head
    if (
        head is None or take.failure is not None or take.chunks or take.body_size > _MOST
        or header(head.headers, "content-encoding") is not None
        or header(head.headers, "transfer-encoding") is not None
        or type(response) is not models.Response
    ):  # fmt: skip
        return
    if _is_patched(models) or _patch(models):
        _large[response] = take.body_size


def _is_of(function: Any, module: ModuleType) -> bool:
    """Whether a function is a module's own, not what a test has put there."""
    return type(function) is FunctionType and function.__globals__ is vars(module)


def _is_patched(models: Any) -> bool:
    content = vars(models.Response).get("content")
    return isinstance(content, property) and is_patched(content.fget)


def _patch(models: Any) -> bool:
    """Let ``Response.content`` read what was noted; False if it is not requests' own."""
    original = vars(models.Response).get("content")
    read: Any = original.fget if isinstance(original, property) else None
    if not _is_of(read, models) or {"CONTENT_CHUNK_SIZE", "iter_content"} - {
        *read.__code__.co_names
    }:
        return False

    piece = models.CONTENT_CHUNK_SIZE

    @functools.wraps(read)
    def content(self: Any) -> Any:
        size = _large.pop(self, None) if _large else None
        if size and piece == models.CONTENT_CHUNK_SIZE and _is_unread(self, models):
            self._content = b"".join(self.iter_content(size)) or b""
        return read(self)

    mark(content)
    models.Response.content = property(content, original.fset, original.fdel, original.__doc__)
    return True


def _is_unread(response: Any, models: Any) -> bool:
    """Whether a body is still to be read, and nobody wants to see in which pieces."""
    responses: Any = sys.modules["urllib3.response"]
    raw, cls = response.raw, responses.HTTPResponse
    return (
        response._content is False
        and not response._content_consumed
        and response.status_code != 0
        and type(raw) is cls
        and "iter_content" not in vars(response)
        and _READING.isdisjoint(vars(raw))
        and _is_of(models.Response.iter_content, models)
        and all(_is_of(getattr(cls, name), responses) for name in _READING)
    )
