"""botocore's HTTP session, as boto3 and s3fs use it."""

from __future__ import annotations

from tests.clients.asking import AS_SENT, BLOCK, LINES, PART, RAW, TWICE, WHOLE, encoded
from tests.clients.seeing import after, seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
    "files": "it does not encode multipart bodies",
    "basic": "it signs requests itself",
    "digest": "it signs requests itself",
}


def _read(r, how):
    from botocore.response import StreamingBody

    if how == RAW:
        return r.raw.read(decode_content=False)
    if how == PART:
        return r.raw.read(10)
    body = StreamingBody(r.raw, r.headers.get("content-length"))
    if how == LINES:
        return list(body.iter_lines())
    if how == TWICE:
        return [body.read(), body.read()]
    return list(r.raw.stream(None)) if how == AS_SENT else list(body.iter_chunks(BLOCK))


def build():
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    def call(ask, url):
        session = URLLib3Session(timeout=ask.timeout)
        body, headers = encoded(ask)
        request = AWSRequest(ask.method, url, data=body, headers=headers).prepare()
        request.stream_output = ask.read != WHOLE
        r = session.send(request)
        data = r.content if ask.read == WHOLE else _read(r, ask.read)
        again = after(r.raw.read) if ask.read == WHOLE else None
        r.raw.close()
        return seen(
            r.status_code, r.raw.reason, r.raw.headers.items(), data, r.url,
            version=r.raw.version, again=again,
        )  # fmt: skip

    return call
