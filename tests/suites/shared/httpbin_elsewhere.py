"""pytest-httpbin's fixtures with servers that are elsewhere."""

from __future__ import annotations

import os
from typing import Any

from pytest_httpbin import serve

PORT = int(os.environ["SUITE_PORT"])


def _init(self: Any, *_: object, **__: object) -> None:
    secure = isinstance(self, serve.SecureServer)
    self.protocol = "https" if secure else "http"
    self.host, self.port = "127.0.0.1", PORT + secure


serve.Server.__init__ = serve.SecureServer.__init__ = _init
serve.Server.__enter__ = lambda self: self
serve.Server.__exit__ = lambda *_: None
