"""urllib.request, with cookies."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from tests.clients.asking import PART
from tests.clients.seeing import jar, read_file, seen

CANNOT = {
    "http2": "it speaks HTTP/1.1 only",
    "files": "it does not encode multipart bodies",
    "as-sent": "it does not show chunks",
}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def _opener(ask, url, cookies):
    handlers = [urllib.request.HTTPCookieProcessor(cookies)]
    if not ask.follow:
        handlers.append(_Stay())
    if ask.user:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, *ask.user[1:])
        digest = ask.user[0] == "digest"
        handler = (
            urllib.request.HTTPDigestAuthHandler if digest else urllib.request.HTTPBasicAuthHandler
        )
        handlers.append(handler(passwords))
    return urllib.request.build_opener(*handlers)


def build():
    def call(ask, url):
        body, headers = ask.body, dict(ask.headers)
        if ask.pieces:
            body = iter(ask.pieces)
        if ask.form:
            body = urlencode(ask.form).encode()
        if ask.json is not None:
            body, headers["Content-Type"] = json.dumps(ask.json).encode(), "application/json"
        cookies = CookieJar()
        request = urllib.request.Request(url, data=body, headers=headers, method=ask.method)
        try:
            r = _opener(ask, url, cookies).open(request, timeout=ask.timeout)
        except urllib.error.HTTPError as raised:
            r = raised
        with r:
            data = r.read(10) if ask.read == PART else read_file(r, ask.read)
            return seen(
                r.status, r.reason, r.headers.items(), data, r.url,
                version=getattr(r, "version", ""), cookies=jar(cookies), kind=type(r).__name__,
                charset=r.headers.get_content_charset(),
            )  # fmt: skip

    return call
