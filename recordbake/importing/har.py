"""HAR files, as browsers save them: HTTP Archive 1.2.

Source: http://www.softwareishard.com/blog/har-12-spec/. Bodies are decoded in it, those that are
not text in base64.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

from recordbake.importing.exchange import Answer, Exchange, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recordbake.guest.exchange import Headers


def is_har(data: Any) -> bool:
    """Whether values are those of a HAR file."""
    return isinstance(data, dict) and isinstance(data.get("log"), dict)


def exchanges(data: Mapping[str, Any]) -> tuple[list[Exchange], int]:
    """The exchanges, and how many entries have no answer, or are not HTTP.

    Raises:
        ValueError, KeyError, TypeError: it is not what the specification says.
    """
    entries = data["log"]["entries"]
    found = [entry for entry in entries if _is_answered(entry)]
    return [_exchange(entry) for entry in found], len(entries) - len(found)


def _is_answered(entry: Mapping[str, Any]) -> bool:
    """Browsers write status 0 for what was cancelled or blocked, and list data: URLs."""
    return bool(entry["response"]["status"]) and entry["request"]["url"].startswith("http")


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    status = int(response["status"])
    answer = Answer(
        status,
        reason_of(status, response.get("statusText")),
        _headers(response["headers"]),
        _content(response.get("content") or {}),
        "2"
        if str(response.get("httpVersion", "")).lower() in ("h2", "http/2", "http/2.0")
        else "1.1",
    )
    when = entry.get("startedDateTime")
    return Exchange(
        str(request["method"]),
        str(request["url"]),
        _headers(request["headers"]),
        _content(request.get("postData") or {}),
        answer,
        datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp() if when else None,
    )


def _headers(fields: list[Mapping[str, Any]]) -> Headers:
    """Header fields, without the pseudo-header fields of HTTP/2 (RFC 9113 section 8.3)."""
    pairs = [(str(field["name"]), str(field["value"])) for field in fields]
    return [(name, value) for name, value in pairs if not name.startswith(":")]


def _content(content: Mapping[str, Any]) -> bytes:
    text = content.get("text") or ""
    return base64.b64decode(text) if content.get("encoding") == "base64" else str(text).encode()
