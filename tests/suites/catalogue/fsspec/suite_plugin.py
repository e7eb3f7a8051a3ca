"""The suite's server is elsewhere, and so are the files that tests put there."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = int(os.environ["SUITE_PORT"])


@contextlib.contextmanager
def elsewhere() -> Iterator[str]:
    """In the place of ``serve``."""
    yield f"http://127.0.0.1:{PORT}"


class FilesElsewhere(dict[str, bytes]):
    """In the place of the handler's files: clearing them clears those of the server."""

    def clear(self) -> None:
        """Not by HTTP, which would be recorded."""
        with (
            contextlib.suppress(ConnectionRefusedError),  # it is gone
            socket.create_connection(("127.0.0.1", PORT + 1)) as connection,
        ):
            connection.recv(4)


def pytest_collection_finish() -> None:
    """The tests are imported by now, and their conftest with them."""
    from fsspec.tests import conftest  # not before pytest measures and records

    conftest.serve = elsewhere
    conftest.HTTPTestHandler.dynamic_files = FilesElsewhere()
