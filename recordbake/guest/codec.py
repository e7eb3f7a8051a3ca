"""Entries to bytes and back: JSON and raw bytes, never pickle.

A stored value is data only: a magic line, one line of JSON, then the body's bytes where they
are inline. A shard record is one line of JSON followed by the inline body and a newline.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import chain
from zlib import crc32

from .events import to_json
from .exchange import Captured, Chunks, Failure, Head, Headers, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

MAGIC = b"recordbake/1\n"
#: Bodies up to this many bytes stand inline in a row; larger ones are files.
INLINE_LIMIT = 16 * 1024


#: The last member of a value's JSON: a changed bit shows.
_SEAL = b',"seal":"'
_SEALED = len(_SEAL) + 8 + len('"}')
#: What was in its place before, a digest of the line alone.
_CHECK = b',"check":"'
_CHECKED = len(_CHECK) + 16 + len('"}')

#: Bytes of the longest line of JSON: two heads of 4 MiB, escaped.
_LONGEST = 64 << 20
DIGEST = re.compile("[0-9a-f]{64}")
_PAIRS = frozenset({2})
_KEY = re.compile("[0-9a-f]{32}")
_FILE = re.compile(r"\w[\w.-]*", re.ASCII)
#: What wrong data raises where it is taken for the right one.
DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
    StopIteration,
)  # fmt: skip
#: Of JSON without blanks before it: json.loads() looks for the encoding and for blanks first.
scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

# A suite may replace functions of Python by mocks; these are the real ones.
_sha256 = hashlib.sha256


class CodecError(ValueError):
    """The bytes are not a value or record of ours."""


def _dumps(meta: dict[str, Any]) -> bytes:
    return to_json(meta).encode("ascii")


def fields_of(pairs: Any) -> Headers:
    """Header fields of what JSON has for them.

    Raises:
        ValueError, TypeError: they are none.
    """
    return fields_and_text(pairs)[0]


def fields_and_text(pairs: Any) -> tuple[Headers, str]:
    """As :func:`fields_of`, and all of their text in one."""
    fields: Headers = list(map(tuple, pairs))  # no loop: this is done for each answer
    if not _PAIRS.issuperset(map(len, fields)):
        raise ValueError("a header field is a name and a value")
    return fields, "".join(chain.from_iterable(fields))  # what is no text raises


def _refuse_injection(fields: Headers) -> None:
    """Refuse a line break that is not folding (RFC 9112 section 5.2): it would end the field."""
    for name, value in fields:
        if "\n" in name or value.count("\n") != value.count("\r\n ") + value.count("\r\n\t"):
            raise ValueError("a header field has a line break")


def _interim(items: Any) -> list[tuple[int, str, Headers]]:
    return [(int(status), str(reason), fields_of(headers)) for status, reason, headers in items]


def chunk_runs(runs: Any) -> Chunks:
    """Lengths of chunks of what JSON has for them."""
    return [(int(length), int(count)) for length, count in runs]


def _head(  # noqa: PLR0913, PLR0917  # a head's slots
    status: Any, reason: Any, version: Any, headers: Any, interim: Any, trailers: Any = ()
) -> Head:
    return Head(
        int(status), str(reason), str(version), fields_of(headers), _interim(interim),
        fields_of(trailers),
    )  # fmt: skip


def _check_lines(head: Head) -> None:
    for _, reason, fields in [(head.status, head.reason, head.headers), *head.interim]:
        _refuse_injection([("", reason.replace("\r\n", "\n")), *fields])
    _refuse_injection(head.trailers)


def encode_value(captured: Captured) -> bytes:
    """A row's value for the ``responses`` table.

    Raises:
        CodecError: there is no response (the failure came before one).
    """
    head = captured.head
    if head is None:
        raise CodecError("a failure without a response has no value")
    inline = captured.body_size <= INLINE_LIMIT
    meta = {
        "method": captured.request.method,
        "url": captured.request.url,
        "status": head.status,
        "reason": head.reason,
        "version": head.version,
        "headers": head.headers,
        "request_headers": captured.request.headers,
        "request_body": captured.request.shape,
        "body": {
            "size": captured.body_size,
            "sha256": captured.body_sha256,
            "where": "inline" if inline else "file",
        },
        "recorded_at": captured.recorded_at,
    }
    if captured.chunks:
        meta["chunks"] = captured.chunks
    if head.interim:
        meta["interim"] = head.interim
    if head.trailers:
        meta["trailers"] = head.trailers
    value = MAGIC + _dumps(meta) + b"\n" + (captured.body if inline else b"")
    end = value.index(b"\n", len(MAGIC))
    return value[: end - 1] + _seal(value, end - 1, end) + value[end:]


def _seal(value: bytes, start: int, end: int) -> bytes:
    """The last member of a value's JSON: the CRC-32 of all the rest.

    Args:
        value: all of it, with or without a seal.
        start: where the seal begins, or is to begin.
        end: where the line of JSON ends.
    """
    return b'%s%08x"}' % (_SEAL, crc32(value[end:], crc32(value[:start])))


def sealed_at(value: bytes, end: int) -> int:
    """Where the seal of a value begins, if it is whole.

    Args:
        value: all of it.
        end: where its line of JSON ends.

    Raises:
        CodecError: the value has no seal, or its bytes have changed.
    """
    start = end - _SEALED
    if not value.startswith(_seal(value, start, end), start):
        raise CodecError("the value's bytes have changed")
    return start


def _check_bytes(value: bytes, end: int) -> None:
    """Check a value's bytes against its seal, or what values had before there were seals.

    Those that had nothing end with a number or a list: text at the end is a seal or a digest,
    whatever its name has become.
    """
    start = end - _CHECKED
    if value.startswith(_CHECK, start):
        digest = _sha256(value[len(MAGIC) : start] + b"}").hexdigest()[:16]
        if not value.startswith(digest.encode("ascii") + b'"}', start + len(_CHECK)):
            raise CodecError("the value's bytes have changed")
    elif value.endswith(b'"}', 0, end):
        sealed_at(value, end)


def one_value(text: str) -> Any:
    """The value of a JSON text without blanks around it.

    Raises:
        ValueError, StopIteration: it is none, or more follows.
    """
    value, length = scan(text, 0)
    if length != len(text):
        raise ValueError("more follows")
    return value


def decode_value(value: bytes) -> tuple[dict[str, Any], Head, bytes | None]:
    """A row's value as its JSON, its head and its inline body (None: the body is a file).

    Raises:
        CodecError: the value is damaged, or was not written by recordbake.
    """
    if not isinstance(value, bytes) or not value.startswith(MAGIC):
        raise CodecError("not a recordbake value")
    end = value.find(b"\n", len(MAGIC))
    if end < 0:
        raise CodecError("the value is truncated")
    _check_bytes(value, end)
    try:
        meta = one_value(value[len(MAGIC) : end].decode())
        interim, chunks = meta.get("interim"), meta.get("chunks")
        fields, joined = fields_and_text(meta["headers"])
        head = Head(
            int(meta["status"]), str(meta["reason"]), str(meta["version"]), fields,
            _interim(interim) if interim else None,
            meta.get("trailers") and fields_of(meta["trailers"]),
        )  # fmt: skip
        meta["chunks"] = chunk_runs(chunks) if chunks else []
        if "\n" in joined or "\n" in head.reason or head.interim or head.trailers:
            _check_lines(head)
        body = meta["body"]
        size, sha256, where = int(body["size"]), str(body["sha256"]), body["where"]
    except DAMAGE as error:
        raise CodecError(f"the value is damaged: {type(error).__name__}") from None
    if where == "file":
        if not DIGEST.fullmatch(sha256):
            raise CodecError("the value names no body")
        return meta, head, None
    data = value[end + 1 :]
    if len(data) != size:
        raise CodecError("the value is truncated")
    if _sha256(data).hexdigest() != sha256:
        raise CodecError("the body's bytes have changed")
    return meta, head, data


def encode_record(captured: Captured) -> bytes:
    """A shard record; one ``write`` of it is all or nothing for a killed process."""
    head = captured.head
    meta = {
        "key": captured.key,
        "method": captured.request.method,
        "url": captured.request.url,
        "request_headers": captured.request.headers,
        "request_body": captured.request.shape,
        "client": captured.request.client,
        "head": None if head is None else _fields_of(head),
        "chunks": captured.chunks,
        "size": captured.body_size,
        "sha256": captured.body_sha256,
        "file": captured.body_file,
        "recorded_at": captured.recorded_at,
        "live_ms": captured.live_ms,
        "test": captured.test,
        "started": captured.started,
        "attempt": captured.attempt,
        "vary": captured.vary,
        "failure": None if captured.failure is None else captured.failure.as_dict(),
    }
    return _dumps(meta) + b"\n" + captured.body + b"\n"


def _fields_of(head: Head) -> dict[str, Any]:
    return {
        "headers": head.headers, "interim": head.interim, "reason": head.reason,
        "status": head.status, "trailers": head.trailers, "version": head.version,
    }  # fmt: skip


def _check_names(meta: dict[str, Any]) -> None:
    """Of what names files and sizes, let nothing pass that this module does not write."""
    size, file = meta["size"], meta["file"]
    fits = (
        _KEY.fullmatch(meta["key"])
        and DIGEST.fullmatch(meta["sha256"])
        and type(size) is int
        and (0 <= size <= INLINE_LIMIT if file is None else size >= 0 and _FILE.fullmatch(file))
        and all(abs(float(meta[name])) < 1e12 for name in ("recorded_at", "started", "live_ms"))  # noqa: PLR2004  # seconds
        and 0 <= int(meta["attempt"]) < 1 << 31
        and isinstance(meta["test"], (str, type(None)))
        and all(isinstance(meta[name], str) for name in ("method", "url", "client"))
    )
    if not fits:
        raise ValueError("a field does not fit")


def _decode_meta(line: bytes) -> Captured:
    meta = json.loads(line)
    _check_names(meta)
    head = meta["head"]
    request = Request(
        meta["method"], meta["url"], fields_of(meta["request_headers"]), b"", meta["client"]
    )
    request.shape = meta["request_body"]
    return Captured(
        key=meta["key"],
        request=request,
        head=None if head is None else _head(**head),
        chunks=chunk_runs(meta["chunks"]),
        body_sha256=meta["sha256"],
        body_size=meta["size"],
        body_file=meta["file"],
        recorded_at=meta["recorded_at"],
        live_ms=meta["live_ms"],
        test=meta["test"],
        started=meta["started"],
        attempt=meta["attempt"],
        vary=meta["vary"],
        failure=None if meta["failure"] is None else Failure.from_dict(meta["failure"]),
    )


def read_records(stream: BinaryIO) -> Iterator[Captured]:
    """The records of one shard, up to where a killed process tore the last one.

    Raises:
        CodecError: a record in the middle is damaged.
    """
    while line := stream.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise CodecError("a shard record is too long")
        if not line.endswith(b"\n"):
            return
        try:
            captured = _decode_meta(line)
        except DAMAGE as error:
            raise CodecError(f"a shard record is damaged: {type(error).__name__}") from None
        if captured.body_file is None:
            data = stream.read(captured.body_size + 1)
            if len(data) != captured.body_size + 1:
                return
            captured.body = data[:-1]
            if _sha256(captured.body).hexdigest() != captured.body_sha256:
                raise CodecError("a shard record's body does not match its digest")
        elif stream.read(1) != b"\n":
            return
        yield captured
