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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_first = itemgetter(0)
_COOKIES = frozenset({"set-cookie", "set-cookie2"})


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
    _pass_by_cookies(adapters, sessions)


def _replace(name: str, original: Any, ours: Callable[..., Any], *users: Any) -> None:
    for user in users:
        if getattr(user, name, None) is original:
            setattr(user, name, ours)


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

    _replace("to_key_val_list", original, to_key_val_list, utils, *users)


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


def _pass_by_cookies(adapters: ModuleType, sessions: ModuleType | None) -> None:
    """Let requests look for cookies only in a head that sets some.

    It makes a request and a response of its own for http.cookiejar to find that there are none,
    twice in each call; what that leaves behind is the time in the jar and its policy.
    """
    cookies, jars = sys.modules["requests.cookies"], sys.modules["http.cookiejar"]
    original = cookies.extract_cookies_to_jar
    jar_class, steps = cookies.RequestsCookieJar, attrgetter("extract_cookies", "make_cookies")
    own = steps(jar_class)
    answer_class: Any = sys.modules["http.client"].HTTPResponse

    @functools.wraps(original)
    def extract_cookies_to_jar(jar: Any, request: Any, response: Any) -> None:
        answer: Any = getattr(response, "_original_response", None)
        if (
            type(answer) is answer_class and type(jar) is jar_class and steps(jar_class) == own
            and "extract_cookies" not in vars(jar) and not jars.debug
            and _COOKIES.isdisjoint(map(str.lower, map(_first, answer.msg._headers)))
        ):  # fmt: skip
            jar._policy._now = jar._now = int(jars.time.time())
            return
        original(jar, request, response)

    _replace(
        "extract_cookies_to_jar", original, extract_cookies_to_jar, cookies, adapters, sessions
    )
