"""aiohttp, with a session for each feature."""

from __future__ import annotations

import asyncio

from tests.clients.asking import AS_SENT, BLOCK, BLOCKS, LINES, PART, RAW, TWICE, NotSupportedError
from tests.clients.seeing import seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
}


async def _read(r, how):
    if how == PART:
        return await r.content.read(10)
    if how == AS_SENT:
        return [piece async for piece, _ in r.content.iter_chunks()]
    if how == BLOCKS:
        return [piece async for piece in r.content.iter_chunked(BLOCK)]
    if how == LINES:
        return [line async for line in r.content]
    return await r.read()


async def _again(r, how):
    try:
        return len(await (r.read() if how == TWICE else r.content.read()))
    except Exception as raised:  # noqa: BLE001
        return type(raised).__qualname__


def jar(session):
    """A session's cookies."""
    return sorted(
        [c.key, c.value, c["domain"], c["path"], c["max-age"], c["expires"], c["httponly"],
         c["secure"], c["samesite"]]
        for c in session.cookie_jar
    )  # fmt: skip


def result(r, data, session, **more) -> dict:
    """What a caller sees of a response."""
    return seen(
        r.status, r.reason, r.headers.items(), data, r.url,
        [(h.status, h.url, h.headers.get("location")) for h in r.history], r.version,
        raw=[[name.decode(), value.decode("latin-1")] for name, value in r.raw_headers or ()],
        real_url=str(r.real_url), type=r.content_type, charset=r.charset, closed=r.closed,
        cookies=jar(session), own=sorted((c.key, c.value) for c in r.cookies.values()),
        links=str(r.links), **more,
    )  # fmt: skip


async def _pieces(ask):
    for piece in ask.pieces:
        yield piece


def _body(module, ask):
    if ask.pieces:
        return _pieces(ask)
    if not (ask.form or ask.files):
        return ask.body
    form = module.FormData(list(ask.form))
    for name, (file_name, content) in ask.files.items():
        form.add_field(name, content, filename=file_name)
    return form


def _authentication(module, ask) -> dict:
    if ask.user is None:
        return {}
    if ask.user[0] == "basic":
        value = module.BasicAuth(*ask.user[1:]).encode()
        return {"headers": ask.headers | {"Authorization": value}}
    if not hasattr(module, "DigestAuthMiddleware"):
        raise NotSupportedError("digest authentication came with aiohttp 3.12")
    return {"middlewares": (module.DigestAuthMiddleware(*ask.user[1:]),)}


def build():
    import aiohttp

    async def fetch(ask, url):
        options = {"headers": ask.headers, "allow_redirects": ask.follow}
        options |= _authentication(aiohttp, ask)
        session = aiohttp.ClientSession(
            auto_decompress=ask.read not in (RAW, PART),
            timeout=aiohttp.ClientTimeout(total=ask.timeout),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )
        async with session:
            async with session.request(
                ask.method, url, data=_body(aiohttp, ask), json=ask.json, **options
            ) as r:
                data = await _read(r, ask.read)
                again = await _again(r, ask.read) if ask.read != PART else None
                total = getattr(r.content, "total_bytes", None) if ask.read != PART else None
            return result(r, data, session, again=again, total=total)

    def call(ask, url):
        return asyncio.run(fetch(ask, url))

    return call
