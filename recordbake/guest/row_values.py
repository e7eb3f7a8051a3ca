"""What a row's value says of an answer, put into its take.

Most values are alike, and are read by where things stand in them: :func:`.codec.encode_value`
writes their members in one order, and within the text of a JSON string a quote has a backslash
before it. So a member's name in its quotes is found without reading what comes before it, and an
answer costs the reading of its head alone. What is not found to be so is left to
:func:`.codec.decode_value`, which also says what is wrong with it.
"""

from __future__ import annotations

import hashlib
from operator import itemgetter

from . import codec
from .codec import fields_and_text, is_whole, one_value
from .dates import NAMES
from .exchange import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .exchange import Take

# A suite may replace functions of Python by mocks; these are the real ones.
_sha256 = hashlib.sha256

_STATUS, _SENT, _RECORDED = ',"status":', ',"request_headers":', '"},"recorded_at":'
_SAID = ',"body":{"size":%d,"sha256":"%s","where":"%s'
_CHUNKED = {"recorded_at", "chunks", "check"}
_MAGIC = codec.MAGIC[:-1]
#: Names of fields by which an answer depends on the request's or on the time; their lengths.
_LOOKED_AT = NAMES | {"content-encoding"}
_LENGTHS = frozenset(map(len, _LOOKED_AT))
_first = itemgetter(0)


def put_value(take: Take, value: object) -> None:
    """Set a take's head, body and chunks.

    Args:
        take: with the size and the digest of the body.
        value: of the same row.

    Raises:
        ValueError, LookupError, TypeError: the value is damaged, or not this take's.
    """
    try:
        _put_plain(take, value)
    except codec.DAMAGE:
        _put(take, value)


def _put(take: Take, value: Any) -> None:
    meta, head, take.body = codec.decode_value(value)
    body = meta["body"]
    if (body["size"], body["sha256"]) != (take.body_size, take.body_sha256):
        raise codec.CodecError("the response is not the one that was recorded")
    take.head, take.chunks = head, meta["chunks"]
    if _depends(head):
        take.asked, take.recorded_at = codec.fields_of(meta["request_headers"]), meta["recorded_at"]


def _depends(head: Head) -> bool:
    """Whether an answer may depend on the request's fields or on the time; most do not."""
    names = list(map(_first, head.headers))
    return not _LENGTHS.isdisjoint(map(len, names)) and not _LOOKED_AT.isdisjoint(
        map(str.lower, names)
    )


def _put_plain(take: Take, value: Any) -> None:
    """As :func:`put_value`, for a value that is like most; raises for others."""
    magic, line, body = value.split(b"\n", 2)
    if magic != _MAGIC or not is_whole(line):
        raise codec.CodecError
    front, back = line.decode("ascii").split(_SENT, 1)
    head = Head(**one_value(f'{{"status":{front.partition(_STATUS)[2]}}}'))
    head.headers, joined = fields_and_text(head.headers)
    back, more = back.rsplit(_RECORDED, 1)
    inline = back.endswith("inline")
    said = _SAID % (take.body_size, take.body_sha256, "inline" if inline else "file")
    if "\n" in joined + head.reason or type(head.status) is not int or not back.endswith(said):
        raise codec.CodecError
    if inline:
        if len(body) != take.body_size or _sha256(body).hexdigest() != take.body_sha256:
            raise codec.CodecError
        take.body = body
    elif not codec.DIGEST.fullmatch(take.body_sha256):
        raise codec.CodecError
    if more.count(",") > 1:  # most end with the time and the check
        meta = one_value(f'{{"recorded_at":{more}')
        if meta.keys() != _CHUNKED:
            raise codec.CodecError
        take.chunks = codec.chunk_runs(meta["chunks"])
    if _depends(head):
        take.asked = codec.fields_of(codec.scan(back, 0)[0])
        take.recorded_at = float(codec.scan(more, 0)[0])
    take.head = head
