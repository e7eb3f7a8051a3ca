"""Cassettes of vcrpy (also through pytest-recording) and of cassetter: YAML or JSON, version 1.

Sources: https://vcrpy.readthedocs.io ("Custom serializers" shows the structure) and
https://kludex.github.io/cassetter/ ("Cassette format"), whose bodies have a type.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from recordbake.importing.exchange import Answer, Exchange, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recordbake.guest.exchange import Headers


def load(path: Path) -> Any:
    """What a YAML or JSON file holds, as plain values.

    Raises:
        ValueError: it is neither, or names objects of Python.
    """
    text = path.read_bytes()
    if path.suffix == ".json":
        return json.loads(text)
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # safe: plain values only
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def is_cassette(data: Any) -> bool:
    """Whether values are those of a cassette."""
    return isinstance(data, dict) and isinstance(data.get("interactions"), list)


def exchanges(data: Mapping[str, Any]) -> tuple[list[Exchange], int]:
    """The exchanges of a cassette in the order they happened, and how many are not HTTP.

    Raises:
        ValueError, KeyError, TypeError: it is not what a cassette holds.
    """
    if data.get("version") not in (1, None):
        raise ValueError(f"version {data['version']} of cassettes is not known")
    found = [item for item in data["interactions"] if "uri" in item.get("request", ())]
    made = [_exchange(item) for item in found]
    made.sort(key=lambda exchange: exchange.recorded_at or 0.0)  # cassetter sorts by URL
    return made, len(data["interactions"]) - len(found)


def _exchange(item: Mapping[str, Any]) -> Exchange:
    request, response = item["request"], item["response"]
    status, reason = _status(response)
    headers = _headers(response.get("headers"))
    body = _body(response["content"] if "content" in response else response.get("body"))
    version = "2" if response.get("http_version") == "HTTP/2" else "1.1"
    return Exchange(
        str(request["method"]),
        str(request["uri"]),
        _headers(request.get("headers")),
        _body(request.get("body")),
        Answer(status, reason_of(status, reason), headers, body, version),
        _seconds(item.get("recorded_at")),
    )


def _status(response: Mapping[str, Any]) -> tuple[int, str | None]:
    """The status in one of three forms: vcrpy's, that of its older httpx stubs, cassetter's."""
    status = response.get("status", response.get("status_code"))
    if isinstance(status, dict):
        return int(status["code"]), status.get("message")
    return int(status), None  # None is a TypeError, as it should be


def _headers(fields: Any) -> Headers:
    pairs: Headers = []
    for name, values in (fields or {}).items():
        for value in values if isinstance(values, list) else [values]:
            pairs.append(
                (str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value))
            )
    return pairs


def _body(body: Any) -> bytes:
    if isinstance(body, dict):
        if "type" in body:
            return _typed(body["type"], body.get("content"))
        if "base64_string" in body:
            return base64.b64decode(body["base64_string"])
        body = body.get("string")
    if body is None:
        return b""
    if isinstance(body, (bytes, str)):
        return body if isinstance(body, bytes) else body.encode()
    raise TypeError(f"a body is text or bytes, not {type(body).__name__}")


def _typed(kind: str, content: Any) -> bytes:
    if kind == "json":
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    if kind == "binary":
        return bytes.fromhex(content)
    return b"" if content is None else str(content).encode()


def _seconds(when: Any) -> float | None:
    if isinstance(when, str):
        when = datetime.fromisoformat(when.replace("Z", "+00:00"))
    if not isinstance(when, datetime):
        return None
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
