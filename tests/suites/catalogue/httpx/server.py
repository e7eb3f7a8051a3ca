"""The suite's own server, from its conftest, in a process of its own."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from uvicorn.config import Config

from tests.conftest import TestServer, app

if __name__ == "__main__":
    server = TestServer(
        config=Config(app=app, lifespan="off", loop="asyncio", port=int(os.environ["SUITE_PORT"]))
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    print("ready", flush=True)
    thread.join()
