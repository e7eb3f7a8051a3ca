"""Our values for requests-cache: what ``CachedSession(serializer=…, key_fn=…)`` wants.

Values are data (:mod:`recordbake.guest.codec`), never pickle.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.guest import codec, keys
from recordbake.guest.exchange import Captured, Head, Request

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests_cache.models.response import CachedResponse


def body_path(bodies: Path, sha256: str) -> Path:
    """Where a body that is a file stands."""
    return bodies / sha256[:2] / sha256


def key_fn(request: PreparedRequest, **_: Any) -> str:
    """requests-cache's ``key_fn``: the key of a prepared request."""
    body = request.body or b""
    data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    headers = [(str(k), str(v)) for k, v in request.headers.items()]
    return keys.request_key(Request(request.method or "GET", request.url or "", headers, data))


class Serializer:
    """requests-cache's serializer over our values.

    Args:
        bodies: directory of the bodies that are files; None to serve inline bodies only.
    """

    name = "recordbake"
    is_binary = True

    def __init__(self, bodies: Path | None = None) -> None:
        self.bodies = bodies

    def loads(self, value: bytes) -> CachedResponse:
        """A stored value as requests-cache's response.

        Raises:
            ValueError: the value is not ours or its body is not at hand; requests-cache then
                treats the entry as missing.
        """
        import requests
        from requests.adapters import HTTPAdapter
        from requests_cache.models.response import CachedResponse
        from urllib3 import HTTPHeaderDict, HTTPResponse

        meta, head, body = codec.decode_value(value)
        if body is None:
            if self.bodies is None:
                raise ValueError("the body is a file: use recordbake.store.serializer_for(DIR)")
            body = body_path(self.bodies, meta["body"]["sha256"]).read_bytes()
        headers = HTTPHeaderDict()
        for name, content in head.headers:
            headers.add(name, content)
        raw = HTTPResponse(
            BytesIO(body), headers, head.status, reason=head.reason, preload_content=False
        )
        request = requests.Request(meta["method"], meta["url"]).prepare()
        response = HTTPAdapter().build_response(request, raw)
        return CachedResponse.from_response(response)

    def dumps(self, response: CachedResponse) -> bytes:
        """A response that requests-cache itself fetched, as a value; its body is decoded."""
        body = response.content or b""
        dropped = {"content-encoding", "transfer-encoding", "content-length"}
        headers = [(k, v) for k, v in response.headers.items() if k.lower() not in dropped]
        request = response.request
        captured = Captured(
            key="",
            request=Request(request.method or "GET", keys.normalise_url(request.url or ""), []),
            head=Head(response.status_code, response.reason or "", "1.1", headers),
            body_sha256=hashlib.sha256(body).hexdigest(),
            body_size=len(body),
            body=body,
            recorded_at=response.created_at.timestamp(),
        )
        if captured.body_size > codec.INLINE_LIMIT:
            if self.bodies is None:
                raise ValueError("the body is large: use recordbake.store.serializer_for(DIR)")
            path = body_path(self.bodies, captured.body_sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        return codec.encode_value(captured)


#: For ``CachedSession(serializer=…)``; serves the bodies that stand inline.
serializer = Serializer()


def serializer_for(directory: Path | str) -> Serializer:
    """A serializer that also finds the bodies that are files.

    Args:
        directory: the ``http_cache`` directory of a recording or bake.
    """
    return Serializer(Path(directory) / "bodies")
