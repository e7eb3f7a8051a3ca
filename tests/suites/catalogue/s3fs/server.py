"""moto's S3 in a process of its own, at the two ports that the suite's tests know."""

from __future__ import annotations

import os
import threading

from moto.moto_server.threaded_moto_server import ThreadedMotoServer

PORT = int(os.environ["SUITE_PORT"])

if __name__ == "__main__":
    for port in (PORT + 5, PORT + 6):
        ThreadedMotoServer(ip_address="127.0.0.1", port=port).start()
    print("ready", flush=True)
    threading.Event().wait()
