"""The files that pooch's tests download, from a server of our own instead of GitHub."""

from __future__ import annotations

import functools
import http.server
import os
from pathlib import Path

PORT = int(os.environ["SUITE_PORT"])

if __name__ == "__main__":
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=Path("pooch/tests/data").resolve()
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", PORT), handler) as server:
        print("ready", flush=True)
        server.serve_forever()
