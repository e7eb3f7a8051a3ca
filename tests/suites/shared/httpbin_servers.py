"""pytest-httpbin's own two servers, in a process of their own."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from httpbin import app
from pytest_httpbin import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = int(os.environ["SUITE_PORT"])


@contextmanager
def running() -> Iterator[None]:
    """Both servers."""
    with (
        serve.Server(application=app, port=PORT),
        serve.SecureServer(application=app, port=PORT + 1),
    ):
        yield


def main() -> None:
    """Serve until the process is ended."""
    with running():
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
