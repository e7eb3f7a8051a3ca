"""A real OCI registry on loopback: Debian's docker-registry."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = shutil.which("docker-registry") or shutil.which("registry")
_CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: false}}, level: warn}}
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}", secret: tests}}
{auth}
"""


@contextmanager
def registry(directory: Path, htpasswd: str = "") -> Iterator[str]:
    """Run one; yields ``HOST:PORT``.

    Args:
        directory: for its data and its log.
        htpasswd: who may use it, as a line of that file; empty: everybody.
    """
    directory.mkdir(parents=True, exist_ok=True)
    auth = ""
    if htpasswd:
        (directory / "htpasswd").write_text(htpasswd + "\n")
        auth = f"auth: {{htpasswd: {{realm: tests, path: {directory / 'htpasswd'}}}}}"
    for _ in range(5):  # somebody else may take the port before it does
        process, port = _start(directory, auth)
        try:
            if _listens(process, port):
                yield f"127.0.0.1:{port}"
                return
        finally:
            process.terminate()
            process.wait()
    raise RuntimeError((directory / "log").read_text())


def _start(directory: Path, auth: str) -> tuple[subprocess.Popen[bytes], int]:
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = directory / "config.yml"
    config.write_text(_CONFIG.format(root=directory / "data", port=port, auth=auth))
    with (directory / "log").open("wb") as log:
        return subprocess.Popen([PROGRAM, "serve", str(config)], stdout=log, stderr=log), port


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it does; False if it ends instead, or another server is there."""
    for _ in range(1200):
        if process.poll() is not None:
            return False
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            with closing(connection):
                connection.request("GET", "/v2/")
                return "Docker-Distribution-Api-Version" in connection.getresponse().headers
        time.sleep(0.05)
    return False
