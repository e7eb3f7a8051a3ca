"""pytest-httpbin's own two servers, in a process of their own."""

from __future__ import annotations

import os
import threading

from httpbin import app
from pytest_httpbin import serve

PORT = int(os.environ["SUITE_PORT"])

if __name__ == "__main__":
    with (
        serve.Server(application=app, port=PORT),
        serve.SecureServer(application=app, port=PORT + 1),
    ):
        print("ready", flush=True)
        threading.Event().wait()
