"""What a stand-in for a connection's socket is asked besides HTTP: options, addresses, timeouts."""

from __future__ import annotations

import socket

from .ready import is_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .http_client import HttpClientSeam


#: Classes of what stands for Python's default timeout, in ``socket`` and in urllib3.
_DEFAULTS = frozenset({"object", "_TYPE_DEFAULT"})


class StandIn:
    """Asks the real connection, or tells what a socket like it would say that is not connected.

    Args:
        connection: the client's connection object.
        seam: knows what the client sets on a socket.
    """

    def __init__(self, connection: Any, seam: HttpClientSeam) -> None:
        self.connection = connection
        self.seam = seam
        self.real: Any = None
        #: Whether the tunnel that the connection goes through has been opened.
        self.tunnelled = False
        self._timeout: Any = connection.timeout
        self._options: list[tuple[Any, ...]] = []

    def adopt(self, real: Any) -> None:
        """Take a connection that has just been made, and set what was to be set on it."""
        self.real = real
        if self._timeout != self.connection.timeout:
            real.settimeout(self._timeout_value())  # set on the socket itself
        for option in self._options:
            real.setsockopt(*option)

    def _alike(self) -> socket.socket:
        """A socket set up like the real one, for its caller to close."""
        alike = socket.socket(self.family)
        for option in (*self.seam.socket_options(self.connection), *self._options):
            alike.setsockopt(*option)
        return alike

    @property
    def family(self) -> Any:
        """That of the real connection, or what follows from the host."""
        if self.real is not None:
            return self.real.family
        return socket.AF_INET6 if ":" in str(self.connection.host) else socket.AF_INET

    @property
    def type(self) -> Any:
        """A stream's."""
        return socket.SOCK_STREAM

    def getsockname(self) -> Any:
        """The address at this end; of no port where there is no connection."""
        if self.real is not None:
            return self.real.getsockname()
        with self._alike() as alike:
            return alike.getsockname()

    def getpeername(self) -> Any:
        """The address at the other end.

        Raises:
            OSError: there is no connection (ENOTCONN).
        """
        if self.real is not None:
            return self.real.getpeername()
        with self._alike() as alike:
            return alike.getpeername()

    def getsockopt(self, *option: Any) -> Any:
        """What the real connection says, or a socket that was set up like it."""
        if self.real is not None:
            return self.real.getsockopt(*option)
        with self._alike() as alike:
            return alike.getsockopt(*option)

    def setsockopt(self, *option: Any) -> None:
        """For the real connection, when there is one.

        Raises:
            OSError: there is no such option.
        """
        if self.real is not None:
            self.real.setsockopt(*option)
            return
        with self._alike() as alike:
            alike.setsockopt(*option)
        self._options.append(option)

    def _timeout_value(self) -> float | None:
        value = self._timeout
        return (
            value
            if value is None or isinstance(value, (int, float))
            else socket.getdefaulttimeout()
        )

    def settimeout(self, value: float | None) -> None:
        """Seconds, for the real connection.

        Raises:
            Exception: a socket does not take it.
        """
        if self.real is not None:
            self.real.settimeout(value)
        elif not is_time(value):  # or zero, which it takes
            with self._alike() as alike:
                alike.settimeout(value)
        self._timeout = value

    def check_timeout(self) -> None:
        """See whether a socket would take the timeout, where there is none to say so.

        Raises:
            Exception: it would not.
        """
        value = self._timeout
        if self.real is None and not is_time(value) and type(value).__name__ not in _DEFAULTS:
            with self._alike() as alike:
                alike.settimeout(value)

    def gettimeout(self) -> float | None:
        """Seconds."""
        value = self._timeout_value()
        return None if value is None else float(value)

    def setblocking(self, flag: bool) -> None:
        """As a socket's."""
        self.settimeout(None if flag else 0.0)

    def shutdown(self, how: int) -> None:
        """Forwarded to the real connection, where there is one."""
        if self.real is not None:
            self.real.shutdown(how)

    def __getattr__(self, name: str) -> Any:
        real = self.__dict__.get("real")
        if real is None:
            raise AttributeError(f"a replayed connection has no socket to ask for {name!r}")
        return getattr(real, name)
