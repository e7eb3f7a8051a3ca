"""httpbin and the suite's own server are elsewhere."""

from __future__ import annotations

import contextlib
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpbin_elsewhere  # noqa: F401  # replaces the servers of pytest-httpbin

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = int(os.environ["SUITE_PORT"]) + 2


@contextlib.contextmanager
def elsewhere() -> Iterator[SimpleNamespace]:
    """In the place of ``_http_server``."""
    yield SimpleNamespace(socket=SimpleNamespace(getsockname=lambda: ("127.0.0.1", PORT)))


def pytest_collection_finish() -> None:
    """conftest.py is imported by now: its server starts nothing from here on."""
    from tests.utils import http_server  # the suite's

    http_server._http_server = elsewhere
