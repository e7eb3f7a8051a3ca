"""The tunnel of a connection that is answered from the store (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Proxy:
    """A socket to a proxy that opens every tunnel, and says nothing more."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Whatever it is asked."""

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        """Its answer."""
        return io.BytesIO(b"HTTP/1.1 200 Connection established\r\n\r\n")


def open_tunnel(connection: Any, stand_in: Any) -> None:
    """Let a connection's own ``_tunnel`` run once, as its ``connect`` does: suites replace it.

    Args:
        connection: the client's connection object, which has a tunnel.
        stand_in: its socket, which remembers that it was done.

    Raises:
        Exception: whatever the suite's own ``_tunnel`` raises.
    """
    __tracebackhide__ = True
    if stand_in.tunnelled:
        return
    stand_in.tunnelled = True
    before, connection.sock = connection.sock, _Proxy()
    try:
        connection._tunnel()
    finally:
        connection.sock = before
