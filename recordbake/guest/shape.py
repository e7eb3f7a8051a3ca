"""What is kept of a request's body: enough to say where another one differs, not what it was.

See docs/adr/0015: the paths of its fields, each with 16 bits of a digest of its value. A field
whose name sounds like a secret has no digest at all.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

from .keys import from_json, own_step, sha256, unzipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Shape = dict[str, Any]  # "kind", "size" and "fields"

_encode = own_step(json.JSONEncoder(sort_keys=True), "iterencode").encode
#: A larger body, and what lies deeper or comes later than this, is told by its size alone.
_MAX_BODY = 1 << 20
_MAX_FIELDS = 200
_MAX_DEPTH = 8
_MAX_NAME = 40
_DIGITS = 4  # hexadecimal: too few to find a value by trying, enough to see that two differ

_SECRET = re.compile(
    r"pass|secret|token|auth|credential|api[-_]?key|access[-_]?key|private|signature|session|pin\b"
    r"|cvv|card|iban|ssn",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)
_PART_NAME = re.compile(rb'name="([^"]*)"', re.IGNORECASE)


def body_shape(body: bytes, content_type: str) -> Shape | None:
    """The shape of a request body: ``kind``, ``size`` (bytes), ``fields``; None without a body.

    Args:
        body: as sent.
        content_type: the value of its Content-Type field.
    """
    if not body:
        return None
    content = unzipped(body)
    media_type = content_type.partition(";")[0].strip().lower()
    kind = "bytes"
    found: Iterator[tuple[str, bytes]] = iter(())
    if len(content) <= _MAX_BODY:
        if media_type == "application/json" or media_type.endswith("+json"):
            kind, found = "json", _json_fields(content)
        elif media_type == "application/x-www-form-urlencoded":
            kind, found = "form", _form_fields(content)
        elif media_type.startswith("multipart/"):
            kind, found = "multipart", _part_fields(content, content_type)
    fields: dict[str, str] = {}
    try:
        for path, value in found:
            if len(fields) >= _MAX_FIELDS:
                break
            fields[path] = _mark(path, value)
    except (ValueError, RecursionError):
        kind, fields = "bytes", {}
    return {"kind": kind, "size": len(content), "fields": fields}


def _mark(path: str, value: bytes) -> str:
    if _SECRET.search(path):
        return ""
    return sha256(path.encode("utf-8", "replace") + b"\0" + value).hexdigest()[:_DIGITS]


def _json_fields(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield from _walk("", from_json(content), 0)


def _walk(path: str, value: Any, depth: int) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, dict) and value and depth < _MAX_DEPTH:
        for name, inner in value.items():
            shown = name if len(name) <= _MAX_NAME else "*"  # it may be a value itself
            yield from _walk(f"{path}.{shown}" if path else shown, inner, depth + 1)
    elif isinstance(value, list) and value and depth < _MAX_DEPTH:
        for number, inner in enumerate(value):
            yield from _walk(f"{path}[{number}]", inner, depth + 1)
    else:
        yield path or "the whole", _encode(value).encode()


def _form_fields(content: bytes) -> Iterator[tuple[str, bytes]]:
    seen: dict[str, int] = {}
    for name, value in parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True):
        number = seen[name] = seen.get(name, -1) + 1
        yield f"{name}[{number}]" if number else name, value.encode("utf-8", "replace")


def _part_fields(content: bytes, content_type: str) -> Iterator[tuple[str, bytes]]:
    """The parts of a multipart body (RFC 7578 section 4.2), by name."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        return
    parts = content.split(b"--" + match.group(1).encode("latin-1", "replace"))
    for number, part in enumerate(parts[1:-1]):
        head, _, value = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        label = name.group(1).decode("utf-8", "replace") if name else f"part {number + 1}"
        yield label, value


def differing(recorded: Shape | None, asked: Shape | None) -> list[str]:
    """By what one body differs from a recorded one, a phrase each; empty if nothing is known."""
    if recorded is None or asked is None:
        if recorded is asked:
            return []
        return ["request body: recorded without one" if recorded is None else
                "request body: recorded with one, asked without"]  # fmt: skip
    if recorded["kind"] != asked["kind"]:
        return [f"request body: recorded {recorded['kind']}, asked {asked['kind']}"]
    ours, theirs = asked["fields"], recorded["fields"]
    found = [
        f"body field {path}: another value than recorded"
        for path in ours
        if path in theirs and ours[path] != theirs[path]
    ]
    found += [f"body field {path}: was not recorded" for path in ours if path not in theirs]
    found += [f"body field {path}: recorded, but not asked" for path in theirs if path not in ours]
    if not found and recorded["size"] != asked["size"]:
        found = [f"request body: recorded {recorded['size']} bytes, asked {asked['size']}"]
    return found or _hidden(ours)


def _hidden(fields: dict[str, str]) -> list[str]:
    """What may differ unseen: fields of which nothing is kept."""
    hidden = [path for path, mark in fields.items() if not mark]
    return [f"body field {path}: perhaps; of secrets nothing is kept" for path in hidden]
