"""The stream that stands in for a connection: tornado's own, over no file descriptor."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

#: No file: nothing is registered with the operating system for it.
_NO_FILE = -1


class Doorbell:
    """What the stream takes for its loop: tells it when there is something to read.

    Everything but handlers of files is the real loop's.

    Args:
        loop: the real ``IOLoop``.
        exchange: has what is to be read.
    """

    def __init__(self, loop: Any, exchange: Any) -> None:
        self._loop = loop
        self._exchange = exchange
        self._handler: Any = None
        self._events = 0
        self._rung = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def add_handler(self, _: int, handler: Any, events: int) -> None:
        """Tornado's; the handler is called as long as there is something to read."""
        self._handler, self._events = handler, events
        self.ring()

    def update_handler(self, _: int, events: int) -> None:
        """Tornado's."""
        self._events = events
        self.ring()

    def remove_handler(self, _: int) -> None:
        """Tornado's."""
        self._handler, self._events = None, 0

    def ring(self) -> None:
        """There may be something to read."""
        if self._events & self._loop.READ and not self._rung and self._exchange.is_readable:
            self._rung = True
            self._loop.add_callback(self._call)

    def _call(self) -> None:
        self._rung = False
        if self._handler is not None and self._events & self._loop.READ:
            self._handler(_NO_FILE, self._loop.READ)
            self.ring()


def make_stream(iostream: ModuleType) -> Any:
    """The class of stand-ins, a stream of the tornado that is patched."""
    parent: Any = iostream.BaseIOStream

    class StandInStream(parent):  # type: ignore[misc]
        def __init__(self, exchange: Any, max_buffer_size: int | None) -> None:
            self.io_loop: Any
            super().__init__(max_buffer_size=max_buffer_size)
            self.exchange = exchange
            self.io_loop = Doorbell(self.io_loop, exchange)

        def fileno(self) -> int:
            return _NO_FILE

        def close_fd(self) -> None:
            self.exchange.settle()

        def write_to_fd(self, data: Any) -> int:
            self.exchange.sent(bytes(data))
            return len(data)

        def read_from_fd(self, buf: Any) -> int | None:
            count: int | None = self.exchange.read_into(buf)
            return count

    return StandInStream
