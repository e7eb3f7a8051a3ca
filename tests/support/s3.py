"""A bucket as S3 shows it, as far as reading, listing and putting objects goes."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from tests.support.origin import Origin, reply

_DATED = "Last-Modified: Tue, 04 Feb 2025 10:00:00 GMT"
_OBJECT = (
    "<Contents><Key>{key}</Key><LastModified>2025-02-04T10:00:00.000Z</LastModified>"
    "<ETag>{tag}</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


class Bucket(Origin):
    """Answers requests for ``/BUCKET/KEY``; any bucket, any credentials."""

    def __init__(self):
        self.objects: dict[str, bytes] = {}
        super().__init__()

    def _bytes(self, path, method, headers, body, number):
        raise NotImplementedError

    def _answer(self, connection, method, target, headers, body):
        path, _, query = target.partition("?")
        key = unquote(path.strip("/").partition("/")[2])
        if method == "PUT":
            self.objects[key] = body
            data = reply(b"", f"ETag: {_tag(body)}")
        elif key:
            data = self._object(key, headers)
        else:
            data = self._listing(path.strip("/"), parse_qs(query, keep_blank_values=True))
        if method == "HEAD":
            data = data[: data.index(b"\r\n\r\n") + 4]
        connection.sendall(data)
        return True

    def _object(self, key, headers):
        if key not in self.objects:
            return reply(b"<Error><Code>NoSuchKey</Code></Error>", status="404 Not Found")
        whole = self.objects[key]
        described = (f"ETag: {_tag(whole)}", _DATED, "Content-Type: binary/octet-stream",
                     "Accept-Ranges: bytes")  # fmt: skip
        if "range" not in headers:
            return reply(whole, *described)
        first, last = headers["range"].removeprefix("bytes=").split("-")
        part = whole[int(first) : int(last or len(whole) - 1) + 1]
        end = int(first) + len(part) - 1
        return reply(part, *described, f"Content-Range: bytes {first}-{end}/{len(whole)}",
                     status="206 Partial Content")  # fmt: skip

    def _listing(self, bucket, query):
        prefix = query.get("prefix", [""])[0]
        found = [key for key in sorted(self.objects) if key.startswith(prefix)]
        folders = set()
        if query.get("delimiter", [""])[0]:
            folders = {
                prefix + key[len(prefix) :].partition("/")[0] + "/"
                for key in found
                if "/" in key[len(prefix) :]
            }
            found = [key for key in found if "/" not in key[len(prefix) :]]
        rows = [
            _OBJECT.format(key=escape(k), tag=_tag(self.objects[k]), size=len(self.objects[k]))
            for k in found
        ]
        rows += [
            f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>"
            for f in sorted(folders)
        ]
        text = (
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<KeyCount>{len(rows)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>false</IsTruncated>{''.join(rows)}</ListBucketResult>"
        )
        return reply(text.encode(), "Content-Type: application/xml")


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
