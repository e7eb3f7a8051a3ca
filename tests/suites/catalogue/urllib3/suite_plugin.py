"""The suite's dummy server is elsewhere; the servers that its tests write are there or not."""

from __future__ import annotations

import contextlib
import inspect
import os
import socket
from typing import TYPE_CHECKING, Any

from dummyserver import hypercornserver, socketserver

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = int(os.environ["SUITE_PORT"])
GONE = os.environ["SUITE_SERVERS"] == "gone"


@contextlib.contextmanager
def elsewhere(*_: object) -> Iterator[int]:
    """In the place of ``run_hypercorn_in_thread``."""
    yield PORT


def run(thread: Any) -> None:
    """In the place of ``SocketServerThread.run``: at a fixed port, or nobody at all.

    Where nobody listens, what the tests wait for before they send a request has always happened.
    """
    thread.port = PORT + 5
    if GONE:
        awaited = inspect.getclosurevars(thread.socket_handler).nonlocals["ready_event"]
        while not thread.quit_event.wait(0.02):
            thread.ready_event.set()
            awaited.set()
        return
    with socket.socket(socket.AF_INET6 if thread.USE_IPV6 else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((thread.host, thread.port))
        listener.listen(1)
        thread.ready_event.set()
        thread.socket_handler(listener)


hypercornserver.run_hypercorn_in_thread = elsewhere
socketserver.SocketServerThread.run = run
