"""requests, with one session for all features."""

from __future__ import annotations

from tests.clients.asking import AS_SENT, BLOCK, BLOCKS, LINES, PART, RAW, TWICE
from tests.clients.seeing import after, jar, seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
}


def _read(r, how):
    if how == RAW:
        return r.raw.read()
    if how == PART:
        return r.raw.read(10)
    if how == AS_SENT:
        return list(r.iter_content(None))
    if how == LINES:
        return list(r.iter_lines())
    return list(r.iter_content(BLOCK))


def build():
    import requests
    from requests.auth import HTTPDigestAuth

    session = requests.Session()

    def call(ask, url):
        auth = ask.user and (
            HTTPDigestAuth(*ask.user[1:]) if ask.user[0] == "digest" else ask.user[1:]
        )
        body = iter(ask.pieces) if ask.pieces else ask.form or ask.body
        stream = ask.read in (AS_SENT, BLOCKS, LINES, PART, RAW, TWICE)
        r = session.request(
            ask.method, url, data=body, json=ask.json, files=ask.files, headers=ask.headers,
            timeout=ask.timeout, allow_redirects=ask.follow, auth=auth, stream=stream,
        )  # fmt: skip
        data = _read(r, ask.read) if stream else r.content
        again = after(lambda: b"".join(r.iter_content(BLOCK))) if ask.read == TWICE else None
        raw_again = after(r.raw.read) if ask.read != PART else None
        r.close()
        result = seen(
            r.status_code, r.reason, r.raw.headers.items(), data, r.url,
            [(h.status_code, h.url, h.headers.get("location"), h.text) for h in r.history],
            r.raw.version, encoding=r.encoding, cookies=jar(session.cookies), again=again,
            raw_again=raw_again, links=str(r.links), closed=r.raw.closed,
            sent=len(r.request.headers),
            own=sorted(r.cookies.items()),
        )  # fmt: skip
        session.cookies.clear()
        return result

    return call
