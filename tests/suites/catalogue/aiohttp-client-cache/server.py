"""httpbin and the suite's own server, in a process of their own."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import httpbin
from werkzeug import serving

sys.path.insert(0, str(Path.cwd()))

PORT = int(os.environ["SUITE_PORT"])
serving.LISTEN_QUEUE = 1024  # a test makes 500 requests at once

if __name__ == "__main__":
    from test.server import app  # the suite's

    of_httpbin = serving.make_server("127.0.0.1", PORT, httpbin.app, threaded=True)
    own = serving.make_server("127.0.0.1", PORT + 2, app, threaded=True)
    threading.Thread(target=of_httpbin.serve_forever).start()
    print("ready", flush=True)
    own.serve_forever()
