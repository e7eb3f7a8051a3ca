"""What a row's value says of an answer, put into its take.

Most values are alike, and are read by where things stand in them: :func:`.codec.encode_value`
writes their members in one order, and within the text of a JSON string a quote has a backslash
before it. So a member's name in its quotes is found without reading what comes before it, and an
answer costs the reading of its head alone. What is not found to be so is left to
:func:`.codec.decode_value`, which also says what is wrong with it.
"""

from __future__ import annotations

from operator import itemgetter

from . import codec
from .codec import MAGIC, fields_and_text, one_value, sealed_at
from .dates import NAMES
from .exchange import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .exchange import Headers, Take

_STATUS, _SENT, _RECORDED = ',"status":', ',"request_headers":', '"},"recorded_at":'
_BODY = ',"body":{"size":%d,"sha256":"%s","where":"%s'
_CHUNKED = {"recorded_at", "chunks"}
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
    if _depends(head.headers):
        take.asked, take.recorded_at = codec.fields_of(meta["request_headers"]), meta["recorded_at"]


def _depends(fields: Headers) -> bool:
    """Whether an answer with such fields may depend on the request's or on the time; most do not.

    By the lengths of their names first: this is done for each answer.
    """
    names = list(map(_first, fields))
    return not _LENGTHS.isdisjoint(map(len, names)) and not _LOOKED_AT.isdisjoint(
        map(str.lower, names)
    )


def _put_plain(take: Take, value: Any) -> None:
    """As :func:`put_value`, for a value that is like most; raises for others."""
    end = value.index(b"\n", len(MAGIC))
    start = sealed_at(value, end)
    front, back = value[len(MAGIC) : start].decode("ascii").split(_SENT, 1)
    said = one_value(f'{{"status":{front.partition(_STATUS)[2]}}}')
    fields, text = fields_and_text(said["headers"])
    head = Head(said["status"], said["reason"], said["version"], fields)
    if "\n" in text + head.reason or type(head.status) is not int:
        raise codec.CodecError
    back, recorded = back.rsplit(_RECORDED, 1)
    inline = back.endswith("inline")
    body = _BODY % (take.body_size, take.body_sha256, "inline" if inline else "file")
    if not value.startswith(MAGIC) or not back.endswith(body):
        raise codec.CodecError
    if inline:
        if len(value) - end - 1 != take.body_size:
            raise codec.CodecError
        take.body = value[end + 1 :]
    elif not codec.DIGEST.fullmatch(take.body_sha256):
        raise codec.CodecError
    if "," in recorded:  # most end with the time
        meta = one_value(f'{{"recorded_at":{recorded}}}')
        if meta.keys() != _CHUNKED:
            raise codec.CodecError
        take.chunks = codec.chunk_runs(meta["chunks"])
    if _depends(fields):
        take.asked = codec.fields_of(codec.scan(back, 0)[0])
        take.recorded_at = float(codec.scan(recorded, 0)[0])
    take.head = head
