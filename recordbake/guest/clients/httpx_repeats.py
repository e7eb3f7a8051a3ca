"""What httpx does again in each call, with the same result, left out where that is certain.

As in :mod:`.requests_repeats`, what a test has replaced, or has a class of its own for, goes the
original way.
"""

from __future__ import annotations

import functools
import re
import sys
from operator import itemgetter

from . import httpx_requests, httpx_urls
from .patching import plain_jars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_lowered = itemgetter(1)
_COOKIES = frozenset({b"set-cookie", b"set-cookie2"})
#: A field's name (RFC 9110 section 5.6.2); email.message refuses others in newer Pythons.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
#: What is made and asked for it; who replaces one of these wants to see it.
_STAND_INS = ("_CookieCompatRequest", "_CookieCompatResponse")
_JAR = ("extract_cookies", "make_cookies")
#: Codecs in which a name of ASCII is what it is in bytes.
_ENCODINGS = frozenset({"ascii", "utf-8", "iso-8859-1"})


def install(module: ModuleType) -> None:
    """Patch what is not a transport's business; recording and replaying alike.

    Args:
        module: ``httpx`` or ``httpx2``.
    """
    name = module.__name__
    models = sys.modules[f"{name}._models"]
    httpx_requests.install(models)
    if name == "httpx":  # httpx2 passes by cookies itself
        _pass_by_cookies(models)
    httpx_urls.install(sys.modules[f"{name}._urlparse"], sys.modules[f"{name}._urls"])


@functools.lru_cache(maxsize=256)
def _set_no_cookies(names: tuple[bytes, ...]) -> bool:
    """Whether fields of these names, in lower case, are read without a word and set no cookie."""
    return _COOKIES.isdisjoint(names) and all(map(_TOKEN.fullmatch, names))


def _pass_by_cookies(models: ModuleType) -> None:
    """Let httpx look for cookies only in a head that sets some.

    It makes a request and a message of the standard library's for http.cookiejar to find that there
    are none. What that leaves behind, but for the jar's time, is the encoding that was found for
    both header fields.
    """
    cookies_class, headers_class = models.Cookies, models.Headers
    request_class, response_class = models.Request, models.Response
    original = cookies_class.extract_cookies
    jar_class = sys.modules["http.cookiejar"].CookieJar
    is_plain = plain_jars(jar_class, _JAR, cookies_class, _STAND_INS)

    @functools.wraps(original)
    def extract_cookies(self: Any, response: Any) -> None:
        if type(self) is cookies_class and type(response) is response_class:
            request, fields = response._request, response.headers
            if (
                type(request) is request_class and type(request.headers) is headers_class
                and request.url.scheme in ("http", "https")  # others may be errors of urllib's
                and type(fields) is headers_class and fields.encoding in _ENCODINGS
                and request.headers.encoding in _ENCODINGS
                and _set_no_cookies(tuple(map(_lowered, fields._list))) and is_plain(self.jar)
            ):  # fmt: skip
                return
        original(self, response)

    cookies_class.extract_cookies = extract_cookies
