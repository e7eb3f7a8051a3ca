"""pytest-httpbin's fixtures with servers that are elsewhere."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest_httpbin.plugin

PORT = int(os.environ["SUITE_PORT"])


class Elsewhere:
    """In the place of pytest-httpbin's servers."""

    protocol, port = "http", PORT

    def __init__(self, application: object = None) -> None:
        self.url = f"{self.protocol}://127.0.0.1:{self.port}"
        self.host = "127.0.0.1"

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass


class SecureElsewhere(Elsewhere):
    """Likewise, with TLS."""

    protocol, port = "https", PORT + 1


pytest_httpbin.plugin.serve = SimpleNamespace(Server=Elsewhere, SecureServer=SecureElsewhere)
