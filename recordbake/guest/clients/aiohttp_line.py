"""The real connection below a deferred transport, opened by aiohttp when a request goes live."""

from __future__ import annotations

import asyncio

from .aiohttp_failures import connect_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .aiohttp import AiohttpSeam


class Line:
    """Opens, keeps and closes the real connection; live requests to one host share it.

    Args:
        seam: how to open a connection.
        connector: aiohttp's connector.
        request: aiohttp's request that the connection is made for.
        timeout: the session's ``ClientTimeout``.
    """

    def __init__(self, seam: AiohttpSeam, connector: Any, request: Any, timeout: Any) -> None:
        self._seam = seam
        self._connector = connector
        self._request = request
        self._timeout = timeout
        self._wire: Any = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that the server has not closed."""
        return self._wire is not None and bool(self._wire.is_connected())

    async def open(self) -> Any:
        """The transport of a new connection, through aiohttp's own connector.

        Raises:
            Exception: aiohttp's error.
        """
        opening = self._seam.create_connection(self._connector, self._request, [], self._timeout)
        try:
            return (await asyncio.wait_for(opening, self._timeout.connect or None)).transport
        except asyncio.TimeoutError:
            raise connect_timeout(self._seam.module, self._request) from None

    async def wire(self) -> Any:
        """The protocol that reads the server's end, over a new connection where there is none.

        Raises:
            Exception: aiohttp's error.
        """
        if not self.is_open:
            transport = await self.open()
            self._wire = self._seam.wire_class(self._connector._loop)
            self._wire.begin(transport)
        return self._wire

    def rest(self) -> None:
        """A response has been read; keep the connection if it can be used again."""
        if self._wire is not None and self._wire.should_close:
            self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        wire, self._wire = self._wire, None
        if wire is None or wire.transport is None:
            return
        if wire.transport.get_extra_info("sslcontext") is None:
            wire.transport.close()
        else:
            wire.transport.abort()  # nobody waits for the end of a farewell in TLS
