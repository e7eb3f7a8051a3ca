"""httpbin and the suite's own server, in a process of their own."""

from __future__ import annotations

import os
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpbin_servers

sys.path.insert(0, str(Path.cwd()))

if __name__ == "__main__":
    from tests.utils.http_server import TestHandler

    with httpbin_servers.running():
        port = int(os.environ["SUITE_PORT"]) + 2
        with ThreadingHTTPServer(("localhost", port), TestHandler) as server:
            print("ready", flush=True)
            server.serve_forever()
