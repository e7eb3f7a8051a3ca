"""The suite's own server, from its conftest, in a process of its own."""

from __future__ import annotations

import os
import socketserver
import sys
import threading
from http.server import HTTPServer
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from fsspec.tests.conftest import HTTPTestHandler

PORT = int(os.environ["SUITE_PORT"])


class Reset(socketserver.BaseRequestHandler):
    """Whoever connects has the files that were put there removed."""

    def handle(self) -> None:
        """Tell that it is done."""
        HTTPTestHandler.dynamic_files.clear()
        self.request.sendall(b"done")


class ResetServer(socketserver.TCPServer):
    """At the same port in the next run, too."""

    allow_reuse_address = True


if __name__ == "__main__":
    with (
        HTTPServer(("", PORT), HTTPTestHandler) as server,
        ResetServer(("127.0.0.1", PORT + 1), Reset) as reset,
    ):
        threading.Thread(target=reset.serve_forever).start()
        print("ready", flush=True)
        server.serve_forever()
