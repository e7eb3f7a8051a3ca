"""A real OCI registry on loopback: Debian's docker-registry."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
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
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    directory.mkdir(parents=True, exist_ok=True)
    auth = ""
    if htpasswd:
        (directory / "htpasswd").write_text(htpasswd + "\n")
        auth = f"auth: {{htpasswd: {{realm: tests, path: {directory / 'htpasswd'}}}}}"
    config = directory / "config.yml"
    config.write_text(_CONFIG.format(root=directory / "data", port=port, auth=auth))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait(process, port, directory / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the registry does not listen")
