"""What requests does again in each call, with the same result, left out where that is certain.

Each shortcut asks first whether what it leaves out is still requests' and Python's own; where a
test has replaced some of it, or has a class of its own for it, the original runs.
"""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict
from operator import attrgetter, itemgetter

from . import environment_proxies
from .patching import is_own, plain_jars, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_first = itemgetter(0)
_COOKIES = frozenset({"set-cookie", "set-cookie2"})
#: What reads a jar or writes to it; who replaces one of these wants to see it.
_JAR = (
    "extract_cookies", "make_cookies", "add_cookie_header", "_cookies_for_request", "_cookie_attrs",
    "clear_expired_cookies", "__iter__",
)  # fmt: skip
_STAND_INS = ("MockRequest", "MockResponse")
#: Modules that parse URLs.
_PARSERS = ("adapters", "auth", "compat", "cookies", "sessions", "utils")
#: URLs that are remembered, and the longest of them, in characters.
_MOST_URLS, _LONGEST = 200, 2000


def install(adapters: ModuleType) -> None:
    """Patch what is not a transport's business; recording and replaying alike.

    Args:
        adapters: ``requests.adapters``; its sessions are imported later, or are there.
    """
    modules = sys.modules
    sessions = modules.get("requests.sessions")
    environment_proxies.patch(modules.get("requests.compat"), modules.get("requests.utils"))
    models = modules.get("requests.models")
    _know_mappings(models, sessions)
    _know_no_parameters(models)
    _remember_urls(*(modules.get(f"requests.{name}") for name in _PARSERS))
    _pass_by_cookies(adapters, sessions)


def _know_mappings(*users: ModuleType | None) -> None:
    """Let requests know dictionaries by their class.

    It asks a protocol of ``typing`` for each of some eight in a call, which looks all members up.
    """
    utils: Any = sys.modules.get("requests.utils")
    structures = sys.modules.get("requests.structures")
    protocol = getattr(utils, "_SupportsItems", None)
    mapping = getattr(structures, "CaseInsensitiveDict", None)
    if protocol is None or not isinstance(mapping, type):
        return  # a release that asks otherwise
    original = utils.to_key_val_list

    @functools.wraps(original)
    def to_key_val_list(value: Any) -> Any:
        kind = type(value)
        if (kind is dict or kind is OrderedDict or kind is mapping) and (
            utils._SupportsItems is protocol
        ):
            return list(value.items())
        return original(value)

    replace("to_key_val_list", original, to_key_val_list, utils, *users)


def _know_no_parameters(models: Any) -> None:
    """Let requests see that a call has no parameters before it asks whether they are a file."""
    if not hasattr(models, "_SupportsRead"):
        return  # a release that asks otherwise
    mixin: Any = models.RequestEncodingMixin
    original = mixin._encode_params
    steps = attrgetter("_SupportsRead", "to_key_val_list", "urlencode")
    own = steps(models)

    @functools.wraps(original)
    def _encode_params(data: Any) -> Any:
        # An OrderedDict may have been given a ``read`` of its own.
        if type(data) is OrderedDict and not data and not vars(data) and steps(models) == own:
            return ""
        return original(data)

    mixin._encode_params = staticmethod(_encode_params)


def _remember_urls(*users: ModuleType | None) -> None:
    """Let requests parse a URL once: it does four times in each call, for a part each."""
    parser: Any = sys.modules["urllib.parse"]
    original = parser.urlparse
    if not is_own(original, "urllib.parse"):
        return
    steps = attrgetter("urlsplit", "ParseResult")
    own = steps(parser)
    known = functools.lru_cache(maxsize=_MOST_URLS)(original)

    @functools.wraps(original)
    def urlparse(url: Any, *options: Any, **named: Any) -> Any:
        if (
            type(url) is str and not options and not named and len(url) <= _LONGEST
            and steps(parser) == own
        ):  # fmt: skip
            return known(url)
        return original(url, *options, **named)

    replace("urlparse", original, urlparse, *users)


def _pass_by_cookies(adapters: ModuleType, sessions: ModuleType | None) -> None:
    """Let requests look for cookies in heads that set some, and send some if there are any.

    It makes a request and a response of its own for http.cookiejar to find that there are none,
    three times in each call.
    """
    cookies = sys.modules["requests.cookies"]
    extract, get = cookies.extract_cookies_to_jar, cookies.get_cookie_header
    is_plain = plain_jars(cookies.RequestsCookieJar, _JAR, cookies, _STAND_INS)
    answer_class: Any = sys.modules["http.client"].HTTPResponse

    @functools.wraps(extract)
    def extract_cookies_to_jar(jar: Any, request: Any, response: Any) -> None:
        answer: Any = getattr(response, "_original_response", None)
        if (
            type(answer) is answer_class
            and _COOKIES.isdisjoint(map(str.lower, map(_first, answer.msg._headers)))
            and is_plain(jar)
        ):  # fmt: skip
            return
        extract(jar, request, response)

    @functools.wraps(get)
    def get_cookie_header(jar: Any, request: Any) -> Any:
        url = getattr(request, "url", None)
        if (
            not getattr(jar, "_cookies", True)
            and type(url) is str and url.isascii() and "[" not in url and "]" not in url  # no error
            and is_plain(jar)
        ):  # fmt: skip
            return None
        return get(jar, request)

    replace("extract_cookies_to_jar", extract, extract_cookies_to_jar, cookies, adapters, sessions)
    replace(
        "get_cookie_header", get, get_cookie_header, cookies, sys.modules.get("requests.models")
    )
