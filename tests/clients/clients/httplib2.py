"""httplib2, without its own cache."""

from __future__ import annotations

from tests.clients.asking import encoded
from tests.clients.seeing import seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
    "files": "it does not encode multipart bodies",
    "as-sent": "it reads every body at once",
    "blocks": "it reads every body at once",
    "lines": "it reads every body at once",
    "part": "it reads every body at once",
    "raw": "it reads every body at once",
    "twice": "it reads every body at once",
}


def build():
    import httplib2

    def call(ask, url):
        client = httplib2.Http(timeout=ask.timeout)
        client.follow_redirects = ask.follow
        if ask.user:
            client.add_credentials(*ask.user[1:])
        body, headers = encoded(ask)
        response, content = client.request(url, ask.method, body=body, headers=headers)
        history = []
        before = response.previous
        while before is not None:
            history.append((before.status, before.get("location")))
            before = before.previous
        return seen(
            response.status, response.reason, sorted(response.items()), content,
            response.get("content-location", ""), history, response.version,
        )  # fmt: skip

    return call
