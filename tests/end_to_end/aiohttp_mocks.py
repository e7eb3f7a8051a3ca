"""A suite whose requests are answered by libraries that mock aiohttp, above the seam and below."""

from __future__ import annotations

import asyncio
from unittest import mock

import aiohttp
import aresponses
from aioresponses import aioresponses

URL = "https://api.example.org/items"


async def fetch(url=URL):
    async with aiohttp.ClientSession() as session, session.get(url) as r:
        return await r.text()


def test_aioresponses():
    with aioresponses() as mocked:
        mocked.get(URL, body="one")
        mocked.get(URL, exception=aiohttp.ServerTimeoutError())
        assert asyncio.run(fetch()) == "one"


def test_aresponses_answers_from_a_server_of_its_own():
    async def main():
        async with aresponses.ResponsesMockServer() as server:
            server.add("api.example.org", "/items", "get", "two")
            return await fetch()

    assert asyncio.run(main()) == "two"


def test_a_patched_session():
    response = mock.AsyncMock()
    response.__aenter__.return_value.text.return_value = "three"
    with mock.patch("aiohttp.ClientSession.get", return_value=response):
        assert asyncio.run(fetch()) == "three"
