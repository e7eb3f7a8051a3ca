"""httpx and httpx2, asynchronous, with a client for each feature."""

from __future__ import annotations

import asyncio

from tests.clients.asking import AS_SENT, BLOCK, LINES, PART, RAW, TWICE
from tests.clients.clients.httpx import STREAMED, arguments, result


async def _read(r, how):
    if how == PART:
        async for piece in r.aiter_raw(10):
            return piece
    if how in (RAW, AS_SENT):
        pieces = [piece async for piece in r.aiter_raw()]
        return b"".join(pieces) if how == RAW else pieces
    if how == LINES:
        return [line.encode() async for line in r.aiter_lines()]
    return [piece async for piece in r.aiter_bytes(BLOCK)]


async def _again(r):
    try:
        return sum([len(piece) async for piece in r.aiter_bytes()])
    except Exception as raised:  # noqa: BLE001
        return type(raised).__qualname__


def build(library, backend):
    module = __import__(library)

    async def pieces(ask):
        for piece in ask.pieces:
            yield piece

    async def fetch(ask, url):
        options = arguments(module, ask)
        if ask.pieces:
            options["content"] = pieces(ask)
        async with module.AsyncClient(http2=ask.http2) as client:
            if ask.read not in STREAMED:
                r = await client.request(ask.method, url, **options)
                return result(r, r.content, client)
            async with client.stream(ask.method, url, **options) as r:
                data = await _read(r, ask.read)
                again = ask.read == TWICE and await _again(r)
            return result(r, data, client, again=again)

    def call(ask, url):
        if backend == "trio":
            import trio

            return trio.run(fetch, ask, url)
        return asyncio.run(fetch(ask, url))

    return call
