"""The suite's own dummy server, in a process of its own, at a fixed port of both loopbacks."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from dummyserver import hypercornserver
from dummyserver.app import hypercorn_app
from hypercorn.config import Sockets

PORT = int(os.environ["SUITE_PORT"])


def create_sockets(_: object) -> Sockets:
    """In the place of the suite's, which takes any port."""
    sockets = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(0)
        listener.bind((host, PORT))
        sockets.append(listener)
    return Sockets([], sockets, quic_sockets=[])


if __name__ == "__main__":
    hypercornserver.Config.create_sockets = create_sockets
    with hypercornserver.run_hypercorn_in_thread("localhost", None, hypercorn_app):
        print("ready", flush=True)
        threading.Event().wait()
