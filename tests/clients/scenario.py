"""What a caller can see, by client and feature; run live, recording and replaying, then compared.

``python scenario.py CLIENT URL`` prints one JSON object: feature -> what was seen.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request

FEATURES = {
    "text": ("GET", "/text", {}),
    "gzip": ("GET", "/gzip", {}),
    "chunked": ("GET", "/chunked", {}),
    "unsized": ("GET", "/unsized", {}),
    "headers": ("GET", "/headers", {}),
    "redirect": ("GET", "/redirect", {}),
    "large": ("GET", "/large", {}),
    "head": ("HEAD", "/text", {}),
    "post": ("POST", "/echo", {"body": b'{"b": 1, "a": [2, 1]}'}),
    "put": ("PUT", "/echo", {"body": b"put"}),
    "patch": ("PATCH", "/echo", {"body": b"patch"}),
    "delete": ("DELETE", "/echo", {}),
    "options": ("OPTIONS", "/echo", {}),
    "range-1": ("GET", "/range", {"headers": {"Range": "bytes=0-9"}}),
    "range-2": ("GET", "/range", {"headers": {"Range": "bytes=10-19"}}),
    "no-content": ("GET", "/nothing", {}),
    "missing": ("GET", "/missing", {}),
    "anonymous": ("GET", "/private", {}),
    "authorized": ("GET", "/private", {"headers": {"Authorization": "Bearer s3cret"}}),
    "order-1": ("GET", "/text?a=1&a=2", {}),
    "order-2": ("GET", "/text?a=2&a=1", {}),
    "job-1": ("GET", "/job", {}),
    "job-2": ("GET", "/job", {}),
    "job-3": ("GET", "/job", {}),
    "job-4": ("GET", "/job", {}),
    "truncated": ("GET", "/truncated", {}),
    "garbage": ("GET", "/garbage", {}),
    "empty-reply": ("GET", "/empty-reply", {}),
    "reset": ("GET", "/reset", {}),
    "read-timeout": ("GET", "/silent", {"timeout": 0.3}),
    "refused": ("GET", "REFUSED", {}),
    "unknown-host": ("GET", "http://no-such-host.invalid/", {}),
    "streamed-raw": ("STREAM", "/gzip", {}),
    "closed-early": ("CLOSE", "/large", {}),
}


def seen(status, reason, headers, body, url="", history=(), version="") -> dict:
    return {
        "status": status,
        "reason": reason,
        "headers": [list(pair) for pair in headers],
        "body": body.decode("latin-1")[:3000],
        "size": len(body),
        "url": str(url),
        "history": [list(map(str, item)) for item in history],
        "version": str(version),
    }


def error(raised: BaseException) -> dict:
    chain = []
    while raised is not None:
        chain.append(type(raised).__qualname__)
        raised = getattr(raised, "reason", None) or raised.__cause__
        if not isinstance(raised, BaseException):
            break
    return {"error": chain[:2]}  # the exception and what it wraps


def with_requests():
    import requests

    session = requests.Session()

    def call(method, url, body=None, headers=None, timeout=20):
        if method in ("STREAM", "CLOSE"):
            r = session.get(url, stream=True, timeout=timeout)
            data = r.raw.read() if method == "STREAM" else r.raw.read(10)
            r.close()
            return seen(r.status_code, r.reason, r.raw.headers.items(), data)
        r = session.request(method, url, data=body, headers=headers, timeout=timeout)
        result = seen(r.status_code, r.reason, r.raw.headers.items(), r.content, r.url,
                      [(h.status_code, h.url) for h in r.history], r.raw.version)  # fmt: skip
        cookies = sorted((c.name, c.value, c.path, c.domain) for c in session.cookies)
        session.cookies.clear()
        return result | {"encoding": r.encoding, "cookies": cookies}

    return call


def with_urllib3():
    import urllib3

    pool = urllib3.PoolManager(retries=False)

    def call(method, url, body=None, headers=None, timeout=20):
        if method in ("STREAM", "CLOSE"):
            r = pool.request("GET", url, preload_content=False, timeout=timeout)
            data = r.read(decode_content=False) if method == "STREAM" else r.read(10)
            r.close()
            return seen(r.status, r.reason, r.headers.items(), data)
        r = pool.request(method, url, body=body, headers=headers, timeout=timeout)
        return seen(r.status, r.reason, r.headers.items(), r.data, version=r.version)

    return call


def with_urllib():
    def call(method, url, body=None, headers=None, timeout=20):
        verb = "GET" if method in ("STREAM", "CLOSE") else method
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=verb)
        try:
            r = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as raised:
            r = raised
        with r:
            data = r.read(10) if method == "CLOSE" else r.read()
            return seen(r.status, r.reason, r.headers.items(), data, r.url, version=r.version
                        if hasattr(r, "version") else "")  # fmt: skip

    return call


def with_http_client():
    import http.client
    from urllib.parse import urlsplit

    def call(method, url, body=None, headers=None, timeout=20):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        verb = "GET" if method in ("STREAM", "CLOSE") else method
        connection.request(verb, target, body, headers or {})
        r = connection.getresponse()
        data = r.read(10) if method == "CLOSE" else r.read()
        result = seen(r.status, r.reason, r.getheaders(), data, version=r.version)
        connection.close()
        return result

    return call


def with_botocore():
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    def call(method, url, body=None, headers=None, timeout=20):
        session = URLLib3Session(timeout=timeout)
        verb = "GET" if method in ("STREAM", "CLOSE") else method
        request = AWSRequest(verb, url, data=body, headers=headers or {}).prepare()
        request.stream_output = method == "CLOSE"
        r = session.send(request)
        data = r.raw.read(10) if method == "CLOSE" else r.content
        return seen(r.status_code, "", r.raw.headers.items(), data, r.url)

    return call


def _httpx_result(module, r, data):
    raw = [[name.decode(), value.decode("latin-1")] for name, value in r.headers.raw]
    history = [(h.status_code, h.url) for h in r.history]
    found = seen(r.status_code, r.reason_phrase, r.headers.multi_items(), data, r.url, history,
                 r.http_version)  # fmt: skip
    return found | {"encoding": r.encoding, "raw": raw}


def with_httpx(name="httpx"):
    module = __import__(name)
    client = module.Client(follow_redirects=True)

    def call(method, url, body=None, headers=None, timeout=20):
        if method in ("STREAM", "CLOSE"):
            with client.stream("GET", url, timeout=timeout) as r:
                pieces = r.iter_raw(10)
                data = next(pieces) if method == "CLOSE" else b"".join(pieces)
                return _httpx_result(module, r, data)
        r = client.request(method, url, content=body, headers=headers, timeout=timeout)
        client.cookies.clear()
        return _httpx_result(module, r, r.content)

    return call


def with_httpx_async(name="httpx", backend="asyncio"):
    module = __import__(name)

    async def fetch(method, url, body, headers, timeout):
        async with module.AsyncClient(follow_redirects=True) as client:
            if method in ("STREAM", "CLOSE"):
                async with client.stream("GET", url, timeout=timeout) as r:
                    data = b""
                    async for piece in r.aiter_raw(10):
                        data += piece
                        if method == "CLOSE":
                            break
                    return _httpx_result(module, r, data)
            r = await client.request(method, url, content=body, headers=headers, timeout=timeout)
            return _httpx_result(module, r, r.content)

    def call(method, url, body=None, headers=None, timeout=20):
        if backend == "trio":
            import trio

            return trio.run(fetch, method, url, body, headers, timeout)
        return asyncio.run(fetch(method, url, body, headers, timeout))

    return call


CLIENTS = {
    "requests": with_requests,
    "urllib3": with_urllib3,
    "urllib.request": with_urllib,
    "http.client": with_http_client,
    "botocore": with_botocore,
    "httpx": with_httpx,
    "httpx-asyncio": with_httpx_async,
    "httpx-trio": lambda: with_httpx_async(backend="trio"),
    "httpx2": lambda: with_httpx("httpx2"),
    "httpx2-asyncio": lambda: with_httpx_async("httpx2"),
}


def main(client: str, base: str, refused: str) -> None:
    call = CLIENTS[client]()
    results = {}
    for feature, (method, path, arguments) in FEATURES.items():
        url = refused if path == "REFUSED" else path if "://" in path else base + path
        try:
            results[feature] = call(method, url, **arguments)
        except Exception as raised:  # noqa: BLE001
            results[feature] = error(raised)
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
