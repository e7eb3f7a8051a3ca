"""What httpx does again in each call, with the same result, left out where that is certain.

As in :mod:`.requests_repeats`, what a test has replaced, or has a class of its own for, goes the
original way.
"""

from __future__ import annotations

import functools
import re
import sys
from operator import attrgetter, itemgetter

from . import httpx_urls

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
    if name == "httpx":  # httpx2 passes by cookies itself
        _pass_by_cookies(sys.modules[f"{name}._models"])
    httpx_urls.install(sys.modules[f"{name}._urlparse"], sys.modules[f"{name}._urls"])


@functools.lru_cache(maxsize=256)
def _set_no_cookies(names: tuple[bytes, ...]) -> bool:
    """Whether fields of these names, in lower case, are read without a word and set no cookie."""
    return _COOKIES.isdisjoint(names) and all(map(_TOKEN.fullmatch, names))


def _pass_by_cookies(models: ModuleType) -> None:
    """Let httpx look for cookies only in a head that sets some.

    It makes a request and a message of the standard library's for http.cookiejar to find that there
    are none. What that leaves behind is the time in the jar and its policy, and in both header
    fields the encoding that was found for them.
    """
    jars = sys.modules["http.cookiejar"]
    cookies_class, headers_class = models.Cookies, models.Headers
    request_class, response_class, jar_class = models.Request, models.Response, jars.CookieJar
    original = cookies_class.extract_cookies
    steps = attrgetter(*_JAR)
    own, names = steps(jar_class), frozenset(_JAR)
    stand_ins = attrgetter(*_STAND_INS)
    own_stand_ins = stand_ins(cookies_class)

    def is_plain(jar: Any, request: Any, response: Any) -> bool:
        """Whether nobody wants to see how cookies are looked for, and there are none."""
        return (
            type(jar) is jar_class and steps(jar_class) == own and names.isdisjoint(vars(jar))
            and not jars.debug and stand_ins(cookies_class) == own_stand_ins
            and type(request) is request_class and type(request.headers) is headers_class
            and request.url.scheme in ("http", "https")  # others may be errors of urllib's
            and type(response.headers) is headers_class
            and response.headers.encoding in _ENCODINGS and request.headers.encoding in _ENCODINGS
            and _set_no_cookies(tuple(map(_lowered, response.headers._list)))
        )  # fmt: skip

    @functools.wraps(original)
    def extract_cookies(self: Any, response: Any) -> None:
        jar = self.jar
        if (
            type(self) is cookies_class and type(response) is response_class
            and is_plain(jar, response._request, response)
        ):  # fmt: skip
            jar._policy._now = jar._now = int(jars.time.time())
            return
        original(self, response)

    cookies_class.extract_cookies = extract_cookies
