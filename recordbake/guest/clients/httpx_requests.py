"""Header fields of httpx's requests, which it brings into the form that they have already.

httpx puts ``Host`` before a request's fields and makes all of them anew for that. The fields of a
request without a body are then what they were.
"""

from __future__ import annotations

import functools
from operator import attrgetter, itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_lowered = itemgetter(1)
#: Fields, in lower case, by which httpx adds something else.
_DECIDING = frozenset({b"host", b"content-length", b"transfer-encoding"})
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
#: Encodings in which the names of such fields are what they are in bytes.
_ENCODINGS = frozenset({None, "ascii", "utf-8", "iso-8859-1"})
#: What is left out, for one getter to look at, in one release or another.
_LEFT_OUT = (
    "Headers.__init__", "Headers.__contains__", "Headers.raw", "Headers.encoding",
    "normalize_header_key", "normalize_header_value", "_normalize_header_key",
    "_normalize_header_value",
)  # fmt: skip


def install(models: ModuleType) -> None:
    """Patch ``Request``, if it does to fields what is assumed here.

    Args:
        models: ``httpx._models`` or ``httpx2._models``.
    """
    request_class: Any = models.Request
    original = request_class._prepare
    before = _trial(models)
    request_class._prepare = sparing(models, original)
    if _trial(models) != before:
        request_class._prepare = original  # a release that does otherwise


def _trial(models: ModuleType) -> dict[str, Any]:
    fields = [("A-b", "C"), (b"D", b"\xe9"), ("a-B", "")]
    made: dict[str, Any] = vars(
        models.Request("GET", "http://u@x.example:81/", headers=fields).headers
    )
    return made


def sparing(models: Any, original: Any) -> Any:
    """``Request._prepare``, which asks the original where there is something to do."""
    request_class, headers_class = models.Request, models.Headers
    steps = attrgetter(*filter(functools.partial(_has, models), _LEFT_OUT))
    own = steps(models)

    @functools.wraps(original)
    def _prepare(self: Any, default_headers: Any) -> None:
        headers = self.headers
        if (
            default_headers or type(self) is not request_class or self.method not in _BODILESS
            or type(headers) is not headers_class or models.Headers is not headers_class
            or steps(models) != own
            or headers._encoding not in _ENCODINGS
            or not _DECIDING.isdisjoint(map(_lowered, headers._list)) or not self.url.host
        ):  # fmt: skip
            original(self, default_headers)
            return
        made = headers_class()
        made._list = [(b"Host", b"host", self.url.netloc), *headers._list]
        self.headers = made

    return _prepare


def _has(models: Any, name: str) -> bool:
    return hasattr(models, name.partition(".")[0])
