"""What the store's tables say of one answer, made once and before the store is opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from recordbake.guest import codec
from recordbake.guest.keys import host_of
from recordbake.sameness import answer_identity

if TYPE_CHECKING:
    from recordbake.guest.exchange import Captured

#: Header fields that are columns of ``entries``.
_TYPE, _ENCODING, _ETAG, _MODIFIED, _CACHE = (
    "content-type", "content-encoding", "etag", "last-modified", "cache-control",
)  # fmt: skip


class Row:
    """An answer with what is written of it.

    Args:
        captured: the answer.

    Attributes:
        captured: the answer.
        identity: digest by which equal answers are one take.
        columns: of ``entries``, from ``method`` on.
        value: of ``responses``; None where there is no response.
    """

    __slots__ = ("captured", "columns", "identity", "value")

    def __init__(self, captured: Captured) -> None:
        self.captured = captured
        self.identity = answer_identity(captured)
        self.columns = _columns(captured)
        self.value = None if captured.head is None else codec.encode_value(captured)


def _columns(c: Captured) -> tuple[Any, ...]:
    head, fields = c.head, dict[str, str]()
    for name, value in head.headers if head else ():
        fields.setdefault(name.lower(), value)  # the first of several counts
    return (
        c.request.method, c.request.url, host_of(c.request.url), head.status if head else None,
        fields.get(_TYPE), fields.get(_ENCODING), c.body_size, c.body_sha256, fields.get(_ETAG),
        fields.get(_MODIFIED), fields.get(_CACHE), c.recorded_at, c.request.client, c.test,
        c.live_ms, json.dumps(c.vary) if c.vary else None,
        json.dumps(c.failure.as_dict()) if c.failure else None, int(c.suspect),
    )  # fmt: skip
