"""Whom an http.client connection is for, seen through proxies and tunnels."""

from __future__ import annotations

import os

from ..descriptors import listens_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine


#: The class of deferred sockets, once it is loaded: with a process's first connection.
DEFERRED: set[type] = set()


def url_of(connection: Any, target: str) -> str:
    """The absolute URL of a request target (RFC 9112 section 3.2), seen through proxies."""
    if not target.startswith("/") and "://" in target.partition("?")[0]:
        return target  # absolute form, as sent to a forwarding proxy
    scheme = "https" if connection.default_port == 443 else "http"  # noqa: PLR2004
    tunnel = getattr(connection, "_tunnel_host", None)
    host = tunnel or connection.host
    port = connection._tunnel_port if tunnel else connection.port
    if isinstance(host, bytes):
        host = host.decode("latin-1")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    suffix = "" if port in (None, connection.default_port) else f":{port}"
    return f"{scheme}://{host}{suffix}{target}"


def host_asked(connection: Any) -> str:
    """The host that a connection is for, by the name in the URL."""
    host = getattr(connection, "_tunnel_host", None) or connection.host
    return str(host).strip("[]")


def port_asked(connection: Any) -> int | None:
    """The port of that host."""
    tunnelled = getattr(connection, "_tunnel_host", None)
    port: int | None = connection._tunnel_port if tunnelled else connection.port
    return connection.default_port if port is None else port


def is_proxy(connection: Any) -> bool:
    """Whether a connection's host is a proxy, so that its requests name other hosts.

    urllib3 says so; for urllib.request the environment does (``getproxies`` of urllib.request).
    """
    if getattr(connection, "proxy", None) is not None:
        return True
    mark = f"{connection.host}:{connection.port}"
    return any(
        mark in os.environ.get(name, "")
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    )


def proxy_of(connection: Any) -> tuple[str, Any] | None:
    """Host and port of the proxy that a connection goes through, if it does."""
    options = getattr(connection, "_socks_options", None)  # urllib3.contrib.socks
    if options:
        return str(options["proxy_host"]).strip("[]"), options["proxy_port"]
    if is_proxy(connection):
        return str(connection.host).strip("[]"), connection.port
    return None


def is_beyond(connection: Any, engine: Engine) -> bool:
    """Whether what a connection asks for leaves this machine though it may name it: by a proxy."""
    proxy = proxy_of(connection)
    return proxy is not None and engine.is_beyond(proxy[0])


def runs_proxy_of(connection: Any) -> bool:
    """Whether a connection goes through a proxy that this very process runs, as tests do."""
    proxy = proxy_of(connection)
    if proxy is None:
        return False
    from ..guard import is_local  # loaded when something is asked for, not before

    return is_local(proxy[0]) and listens_here(proxy[1])
