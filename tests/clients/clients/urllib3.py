"""urllib3, with one pool manager for all features."""

from __future__ import annotations

import json

from tests.clients.asking import AS_SENT, BLOCK, LINES, PART, RAW, TWICE, WHOLE
from tests.clients.seeing import after, seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
    "digest": "it has no digest authentication",
}


def _read(r, how):
    if how == RAW:
        return r.read(decode_content=False)
    if how == PART:
        return r.read(10, decode_content=False)
    if how == AS_SENT:
        return list(r.stream(None))
    if how == LINES:
        return list(r)
    if how == TWICE:
        return [r.read(), r.read()]
    return list(r.stream(BLOCK))


def build():
    import urllib3

    pool = urllib3.PoolManager(retries=False)

    def call(ask, url):
        body, headers = iter(ask.pieces) if ask.pieces else ask.body, dict(ask.headers)
        if ask.json is not None:
            body, headers["Content-Type"] = json.dumps(ask.json), "application/json"
        if ask.user and ask.user[0] == "basic":
            headers |= urllib3.make_headers(basic_auth=":".join(ask.user[1:]))
        more = {"fields": [*ask.form, *ask.files.items()]} if ask.form or ask.files else {}
        if ask.form and not ask.files:
            more["encode_multipart"] = False
        if not more:
            more["body"] = body
        r = pool.request(
            ask.method, url, headers=headers, timeout=ask.timeout, redirect=ask.follow,
            retries=5 if ask.follow and "redirect" in url else False,
            preload_content=ask.read == WHOLE, **more,
        )  # fmt: skip
        data = r.data if ask.read == WHOLE else _read(r, ask.read)
        again = after(r.read) if ask.read != PART else None
        r.close()
        return seen(
            r.status, r.reason, r.headers.items(), data, r.geturl() or "", version=r.version,
            again=again, retries=len(r.retries.history) if r.retries else None, closed=r.closed,
        )  # fmt: skip

    return call
