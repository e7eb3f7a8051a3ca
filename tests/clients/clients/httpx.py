"""httpx and httpx2, with one client for all features."""

from __future__ import annotations

from tests.clients.asking import AS_SENT, BLOCK, BLOCKS, LINES, PART, RAW, TWICE
from tests.clients.seeing import after, jar, seen

STREAMED = (AS_SENT, BLOCKS, LINES, PART, RAW, TWICE)


def arguments(module, ask) -> dict:
    """Keyword arguments of ``request`` and ``stream``."""
    auth = {"auth": module.DigestAuth} if ask.user and ask.user[0] == "digest" else {}
    if auth:
        auth["auth"] = auth["auth"](*ask.user[1:])
    elif ask.user:
        auth["auth"] = ask.user[1:]
    return auth | {
        "content": ask.body,
        "json": ask.json,
        "data": _form(ask),
        "files": ask.files or None,
        "headers": ask.headers,
        "timeout": ask.timeout,
        "follow_redirects": ask.follow,
    }


def _form(ask):
    form: dict[str, list[str]] = {}
    for name, value in ask.form:
        form.setdefault(name, []).append(value)
    return form or None


def result(r, data, client, **more) -> dict:
    """What a caller sees of a response."""
    return seen(
        r.status_code, r.reason_phrase, r.headers.multi_items(), data, r.url,
        [(h.status_code, h.url, h.headers.get("location")) for h in r.history], r.http_version,
        encoding=r.encoding, cookies=jar(client.cookies.jar), extensions=sorted(r.extensions),
        raw=[[name.decode(), value.decode("latin-1")] for name, value in r.headers.raw],
        closed=r.is_closed, consumed=r.is_stream_consumed,
        downloaded=_downloaded(r), **more,
    )  # fmt: skip


def _downloaded(r):
    """How much of a body has come when a caller stops in its middle is the network's doing."""
    if not r.is_stream_consumed:
        return None
    whole = r.headers.get("content-length") in (None, str(r.num_bytes_downloaded))
    return r.num_bytes_downloaded if whole else "a part"


def _read(r, how):
    if how == RAW:
        return b"".join(r.iter_raw())
    if how == PART:
        return next(r.iter_raw(10))
    if how == AS_SENT:
        return list(r.iter_raw())
    if how == LINES:
        return [line.encode() for line in r.iter_lines()]
    return list(r.iter_bytes(BLOCK))


def build(library):
    module = __import__(library)
    clients = {http2: module.Client(http2=http2) for http2 in (False, True)}

    def call(ask, url):
        client = clients[ask.http2]
        client.cookies.clear()
        options = arguments(module, ask)
        if ask.pieces:
            options["content"] = iter(ask.pieces)
        if ask.read not in STREAMED:
            r = client.request(ask.method, url, **options)
            return result(r, r.content, client)
        with client.stream(ask.method, url, **options) as r:
            data = _read(r, ask.read)
            again = ask.read == TWICE and after(lambda: b"".join(r.iter_bytes()))
        return result(r, data, client, again=again)

    return call
