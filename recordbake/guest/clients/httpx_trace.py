"""What a request's ``trace`` extension is told while its answer comes from the recording.

httpx hands the extension to its transport library, which calls it at each step (httpcore's
documentation, "Request extensions"). The steps of connecting are left out: no connection is made.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

    from ..exchange import Head


def steps(module: ModuleType, request: Any, head: Head) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and details of each step up to the response's head, in order."""
    two = head.version == "2"
    prefix = "http2" if two else "http11"
    sent = {"request": _core_request(module, request)}
    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in head.headers]
    for name in ("send_request_headers", "send_request_body"):
        yield f"{prefix}.{name}.started", sent
        yield f"{prefix}.{name}.complete", {"return_value": None}
    yield f"{prefix}.receive_response_headers.started", sent
    version = f"HTTP/{head.version}".encode("ascii")
    reason = head.reason.encode("latin-1", "replace")
    value = (head.status, headers) if two else (version, head.status, reason, headers)
    yield f"{prefix}.receive_response_headers.complete", {"return_value": value}


def _core_request(module: ModuleType, request: Any) -> Any:
    """The request as httpx gives it to its transport library, httpcore or httpcore2."""
    core = sys.modules[module.__name__.replace("httpx", "httpcore")]
    url = request.url
    return core.Request(
        method=request.method,
        url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )
