"""What aiohttp's traces see of a name's look-up, which happens later here, or never."""

from __future__ import annotations

import sys
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Connector -> the names that it has looked up, as its traces know.
_looked_up: weakref.WeakKeyDictionary[Any, set[tuple[str, int]]] = weakref.WeakKeyDictionary()


async def tell_of_look_up(connector: Any, request: Any, traces: Any) -> None:
    """Send the events of a successful look-up, in the order of aiohttp's documentation.

    Source: aiohttp documentation, "Tracing Reference", DNS resolving. None are sent for addresses
    and for the names of proxies.
    """
    host, port = request.url.raw_host, request.port
    if not traces or request.proxy or sys.modules["aiohttp.helpers"].is_ip_address(host):
        return
    known = _looked_up.setdefault(connector, set())
    events = ["send_dns_resolvehost_start", "send_dns_resolvehost_end"]
    if connector.use_dns_cache:
        events.insert(0, "send_dns_cache_miss")
        if (host, port) in known:
            events = ["send_dns_cache_hit"]
    known.add((host, port))
    for event in events:
        for trace in traces:
            await getattr(trace, event)(host)
