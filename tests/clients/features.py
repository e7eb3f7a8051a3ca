"""The features of the contract: what is asked of every client."""

from __future__ import annotations

from tests.clients.asking import AS_SENT, BLOCKS, LINES, PART, RAW, TWICE, Ask

READING = {
    f"{how}-{path}": Ask(f"/{path}", read=how)
    for how in (RAW, BLOCKS, LINES, PART, TWICE)
    for path in ("text", "gzip", "chunked")
} | {"as-sent-chunked": Ask("/chunked", read=AS_SENT)}

FEATURES: dict[str, Ask] = {
    "text": Ask("/text"),
    "gzip": Ask("/gzip"),
    "chunked": Ask("/chunked"),
    "unsized": Ask("/unsized"),
    "headers": Ask("/headers"),
    "redirect": Ask("/redirect"),
    "large": Ask("/large"),
    "head": Ask("/text", "HEAD"),
    "post": Ask("/echo", "POST", body=b'{"b": 1, "a": [2, 1]}'),
    "put": Ask("/echo", "PUT", body=b"put"),
    "patch": Ask("/echo", "PATCH", body=b"patch"),
    "delete": Ask("/echo", "DELETE"),
    "options": Ask("/echo", "OPTIONS"),
    "range-1": Ask("/range", headers={"Range": "bytes=0-9"}),
    "range-2": Ask("/range", headers={"Range": "bytes=10-19"}),
    "no-content": Ask("/nothing"),
    "missing": Ask("/missing"),
    "anonymous": Ask("/private"),
    "authorized": Ask("/private", headers={"Authorization": "Bearer s3cret"}),
    "order-1": Ask("/text?a=1&a=2"),
    "order-2": Ask("/text?a=2&a=1"),
    "job-1": Ask("/job"),
    "job-2": Ask("/job"),
    "job-3": Ask("/job"),
    "job-4": Ask("/job"),
    "truncated": Ask("/truncated"),
    "garbage": Ask("/garbage"),
    "empty-reply": Ask("/empty-reply"),
    "reset": Ask("/reset"),
    "read-timeout": Ask("/silent", timeout=0.3),
    "refused": Ask("REFUSED"),
    "unknown-host": Ask("http://no-such-host.invalid/"),
    "closed-early": Ask("/large", read=PART),
    **READING,
}
