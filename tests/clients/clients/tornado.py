"""tornado's AsyncHTTPClient, in both implementations."""

from __future__ import annotations

import asyncio
import os
import re

from tests.clients.asking import AS_SENT, RAW, TWICE, NotSupportedError, encoded
from tests.clients.seeing import after, seen

_WHOLE = "it gives a body whole, or in the pieces that come"
CANNOT = {
    "files": "it does not encode multipart bodies",
    "blocks": _WHOLE,
    "lines": _WHOLE,
    "part": _WHOLE,
}


def _producer(pieces):
    async def produce(write):
        for piece in pieces:
            await write(piece)

    return produce


def _timeless(value):
    return re.sub(r"\d+ (ms|milliseconds)", r"N \1", value) if isinstance(value, str) else value


def _spaced(line):
    """Blanks behind a colon and a status are not kept; libcurl shows them, tornado does not."""
    line = re.sub(r"^(HTTP/\S+ \d+) \r", r"\1\r", line)
    return re.sub(r"(?<=:)[ \t]*(?=[^\n]*\n)", " ", line, count=1) if ":" in line else line


def _refuse(implementation, ask):
    if implementation == "simple" and ask.http2:
        raise NotSupportedError("it speaks HTTP/1.1 only")
    if implementation == "simple" and ask.user and ask.user[0] == "digest":
        raise NotSupportedError("it has no digest authentication")
    if implementation == "curl" and ask.pieces:
        raise NotSupportedError("it sends no body of unknown length")


def _options(ask, url, heads, pieces) -> dict:
    body, headers = encoded(ask)
    # Releases before 6.5 notice a bad chunk only at the end of their patience.
    seconds = 5 if ask.path == "/bad-chunk" else ask.timeout
    options = {
        "method": ask.method, "headers": headers, "follow_redirects": ask.follow,
        "request_timeout": seconds, "connect_timeout": seconds,
        "allow_nonstandard_methods": True, "header_callback": heads.append,
        "decompress_response": ask.read != RAW,
    }  # fmt: skip
    if ask.read == AS_SENT:
        options["streaming_callback"] = pieces.append
    if ask.pieces:
        options["body_producer"] = _producer(ask.pieces)
    else:
        options["body"] = body
    if ask.user:
        options |= {"auth_mode": ask.user[0], "auth_username": ask.user[1]}
        options["auth_password"] = ask.user[2]
    if url.startswith("https:"):
        options["ca_certs"] = os.environ["SSL_CERT_FILE"]  # libcurl brings its own authorities
    if "Expect" in headers:
        options["expect_100_continue"] = True
    return options


def build(implementation):
    from tornado.httpclient import AsyncHTTPClient, HTTPClientError

    name = {"simple": "simple_httpclient.Simple", "curl": "curl_httpclient.Curl"}[implementation]
    AsyncHTTPClient.configure(f"tornado.{name}AsyncHTTPClient")

    async def fetch(ask, url):
        _refuse(implementation, ask)
        heads: list[str] = []
        pieces: list[bytes] = []
        options = _options(ask, url, heads, pieces)
        try:
            r = await AsyncHTTPClient().fetch(url, raise_error=False, **options)
        except HTTPClientError as error:
            if implementation == "curl":  # it tells how long it took
                error.args = tuple(_timeless(arg) for arg in error.args)
                error.message = _timeless(error.message)
            raise
        again = ask.read == TWICE and after(r.buffer.read)
        return seen(
            r.code, r.reason, r.headers.get_all(), pieces or r.body or b"", r.effective_url, (),
            heads=list(map(_spaced, heads)), error=str(r.error), asked=r.request.url, again=again,
            in_time=0 <= r.request_time <= ask.timeout, times=sorted(r.time_info),
        )  # fmt: skip

    def call(ask, url):
        return asyncio.run(fetch(ask, url))

    return call
