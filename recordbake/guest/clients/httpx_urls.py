"""URLs that httpx parses: their origin once, what is behind it only where something is to be done.

httpx checks and quotes each URL character by character, in Python. In path and query of most there
is nothing to quote, and their origin was parsed before.
"""

from __future__ import annotations

import functools
import re
from operator import attrgetter

from .patching import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Characters that stay as they are in path and query: unreserved, sub-delims, ":@%" (RFC 3986).
_PLAIN = r"\w.~!$&'()*+,;=:@%-"
#: Origin, if there is one; path, in which no segment is "." or ".."; query. No fragment.
_URL = re.compile(
    r"(https?://[a-z0-9.-]+(?::[0-9]+)?|(?!//))"
    rf"((?:/(?!\.\.?(?:[/?]|\Z))[{_PLAIN}]*)+)"
    rf"(?:\?([{_PLAIN}/?]*))?",
    re.ASCII,
)
_FIELDS = ("scheme", "userinfo", "host", "port", "path", "query", "fragment")
#: What ``urlparse`` is made of, for one getter to look at.
_PARSING = (
    "MAX_URL_LENGTH", "UNRESERVED_CHARACTERS", "PATH_SAFE", "QUERY_SAFE", "PERCENT_ENCODED_REGEX",
    "URL_REGEX", "AUTHORITY_REGEX", "ParseResult", "quote", "percent_encoded", "encode_host",
    "normalize_port", "validate_path", "normalize_path",
)  # fmt: skip
#: Origins that are remembered, and the longest URL that is looked at, in characters.
_MOST_ORIGINS, _LONGEST = 100, 2000


def install(parser: Any, user: Any) -> None:
    """Patch ``urlparse``, if it does to a URL what is assumed here.

    Args:
        parser: ``httpx._urlparse`` or ``httpx2._urlparse``.
        user: the module that imports it by name.
    """
    original = parser.urlparse
    ours = remembering(parser, original)
    trial = "".join(chr(n) for n in range(128) if re.fullmatch(f"[{_PLAIN}]", chr(n), re.ASCII))
    trial = f"/..{trial}/%20//?{trial}/?%e4"
    trials = trial, "http://x.example:80" + trial
    if parser.ParseResult._fields != _FIELDS or any(ours(url) != original(url) for url in trials):
        return  # a release that does otherwise
    replace("urlparse", original, ours, parser, user)


def remembering(parser: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """``urlparse``, which asks the original for what is not plain, or is given in parts."""
    steps = attrgetter(*(name for name in _PARSING if hasattr(parser, name)))
    own, result = steps(parser), parser.ParseResult
    of_origin = functools.lru_cache(maxsize=_MOST_ORIGINS)(original)

    @functools.wraps(original)
    def urlparse(url: Any = "", **parts: Any) -> Any:
        plain = None
        if type(url) is str and not parts and len(url) <= _LONGEST:
            plain = _URL.fullmatch(url)
        if plain is None or steps(parser) != own:
            return original(url, **parts)
        origin, path, query = plain.groups()
        scheme, userinfo, host, port, *_ = of_origin(origin)
        return result(scheme, userinfo, host, port, path, query, None)

    return urlparse
