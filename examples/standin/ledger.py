"""What the server has served, in files, so that another process can see that nothing was asked.

`count` holds the number of requests, `requests.json` also the number of connections (a client
that connects and then asks nothing was online, too), `requests.log` one line per request.
They are written before the answer leaves: whoever has an answer finds it counted.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that readers see the old or the new content, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)


class Ledger:
    """Counts requests and connections; safe to use from every connection's thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._requests = 0
        self._connections = 0
        # Line-buffered: a line is in the file before the answer is sent.
        self._log = (directory / "requests.log").open("w", encoding="utf-8", buffering=1)
        self._publish()

    @property
    def count(self) -> int:
        """How many requests were answered since the start."""
        return self._requests

    def connected(self) -> None:
        """Note a new connection."""
        with self._lock:
            self._connections += 1
            self._publish()

    def served(self, method: str, host: str, target: str, status: int) -> None:
        """Note a request; status 0 means that the connection was closed without an answer."""
        with self._lock:
            if self._log.closed:  # a thread that was still answering while the server stopped
                return
            self._requests += 1
            self._log.write(f"{method} {host} {target} {status}\n")
            self._publish()

    def close(self) -> None:
        """Close the log; the files stay for whoever wants to compare."""
        with self._lock:
            self._log.close()

    def _publish(self) -> None:
        write_atomically(self._directory / "count", b"%d\n" % self._requests)
        counts = {"count": self._requests, "connections": self._connections}
        write_atomically(self._directory / "requests.json", json.dumps(counts).encode() + b"\n")
