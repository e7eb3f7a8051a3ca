"""The suite's fake server in a process of its own, at the port where its tests look first."""

from __future__ import annotations

import os
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from tests.test_utils_http import FakeServerHandler  # the suite's

if __name__ == "__main__":
    address = "127.0.0.1", int(os.environ["SUITE_PORT"])
    with ThreadingHTTPServer(address, FakeServerHandler) as server:
        print("ready", flush=True)
        server.serve_forever()
