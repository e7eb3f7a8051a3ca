"""What urllib3's managers of pools work out again for each request: URLs, and keys of pools.

Both follow from what is asked alone, so they are worked out once for each origin. The pool itself
is looked up each time, in the manager's own table.
"""

from __future__ import annotations

import functools
import re
import sys
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

#: An origin, and a path and a query that ``parse_url`` leaves as they are (RFC 3986: unreserved,
#: sub-delims, ":@/?", upper case %XX), if there are no dot segments.
_PLAIN_URL = (
    r"(https?://[a-z0-9.-]+(?::[0-9]+)?)"
    r"(/(?!/)[\w.~!$&'()*+,;=:@/-]*(?:%[0-9A-F]{2}[\w.~!$&'()*+,;=:@/-]*)*)"
    r"(?:\?([\w.~!$&'()*+,;=:@/?-]*(?:%[0-9A-F]{2}[\w.~!$&'()*+,;=:@/?-]*)*))?"
)
#: What a manager or its class may have of its own, and would notice to be passed by.
_MANAGER = ("_merge_pool_kwargs", "connection_from_context", "connection_from_pool_key")
#: Origins, and keys, that are remembered.
_MOST = 1000


def patch_parse_url(module: ModuleType) -> None:
    """Parse the origin of URLs once in ``urllib3.poolmanager``."""
    module.parse_url = quick_parse_url(  # type: ignore[attr-defined]
        module.parse_url, sys.modules["urllib3.util.url"].Url
    )


def quick_parse_url(original: Callable[[str], Any], url_class: Any) -> Callable[[str], Any]:
    """A ``parse_url`` that returns just what urllib3's own does.

    Args:
        original: ``urllib3.util.url.parse_url``.
        url_class: ``urllib3.util.url.Url``.
    """
    origins: dict[str, tuple[Any, ...]] = {}
    matching: Any = None  # made when a URL is asked for: most processes never do

    @functools.wraps(original)
    def parse_url(url: str) -> Any:
        nonlocal matching
        matching = matching or re.compile(_PLAIN_URL, re.ASCII).fullmatch
        match = matching(url) if type(url) is str else None
        if match is None or "/." in url:
            return original(url)
        origin, path, query = match.groups()
        known = origins.get(origin)
        if known is None:
            if len(origins) >= _MOST:
                origins.clear()
            parsed = original(url)
            origins[origin] = parsed[:4]
            return parsed
        return url_class(*known, path, query)

    return parse_url


def patch_managers(module: ModuleType) -> None:
    """Let ``connection_from_host`` of urllib3's managers remember the keys of pools."""
    cls: Any = module.PoolManager
    original, steps = cls.connection_from_host, attrgetter(*_MANAGER)
    own, makers = steps(cls), dict(module.key_fn_by_scheme)
    ports: dict[str, int] = module.port_by_scheme
    keys: dict[tuple[Any, ...], Any] = {}

    def key_of(  # noqa: PLR0913, PLR0917
        manager: Any, make: Any, host: str, port: int | None, scheme: str, options: Any
    ) -> Any:
        """The key of a pool; None if it has to be made each time."""
        wanted = manager.connection_pool_kw
        if port is None:
            port = ports.get(scheme, 80)
        try:
            same = (
                scheme, host, port, tuple(wanted.items()), tuple(options.items()) if options else ()
            )  # fmt: skip
            found = keys.get(same)
        except TypeError:  # a value that is a list, say
            return None
        if found is None and "strict" not in wanted and "strict" not in (options or ()):
            context = manager._merge_pool_kwargs(options)
            context.update(scheme=scheme, host=host, port=port)
            found = make(context)
            if len(keys) >= _MOST:
                keys.clear()
            keys[same] = found
        return found

    @functools.wraps(original)
    def connection_from_host(
        self: Any, host: Any, port: Any = None, scheme: Any = "http", pool_kwargs: Any = None
    ) -> Any:
        make = makers.get(scheme)
        if (
            host and make is not None and self.key_fn_by_scheme.get(scheme) is make
            and steps(type(self)) == own and vars(self).keys().isdisjoint(_MANAGER)
        ):  # fmt: skip
            key = key_of(self, make, host, port, scheme, pool_kwargs)
            if key is not None:
                with self.pools.lock:
                    pool = self.pools.get(key)
                if pool:
                    return pool
        return original(self, host, port, scheme, pool_kwargs)

    cls.connection_from_host = connection_from_host
