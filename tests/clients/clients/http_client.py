"""http.client, one connection for each feature."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tests.clients.asking import PART, WHOLE, encoded
from tests.clients.seeing import after, read_file, seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
    "files": "it does not encode multipart bodies",
    "as-sent": "it does not show chunks",
    "basic": "it has no authentication",
    "digest": "it has no authentication",
}


def build():
    def call(ask, url):
        parts = urlsplit(url)
        body, headers = encoded(ask)
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(parts.hostname, parts.port, timeout=ask.timeout)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(
                ask.method, target, body, headers, encode_chunked=bool(ask.pieces)
            )  # fmt: skip
            r = connection.getresponse()
            data = r.read(10) if ask.read == PART else read_file(r, ask.read)
            return seen(
                r.status, r.reason, r.getheaders(), data, version=r.version, closed=r.closed,
                length=getattr(r, "length", None),
                again=after(r.read) if ask.read == WHOLE else None,
                will_close=getattr(r, "will_close", None),
            )  # fmt: skip
        finally:
            connection.close()

    return call
