"""The addresses of the suite's two servers, before its tests ask for them."""

from __future__ import annotations

import os

PORT = int(os.environ["SUITE_PORT"])


def pytest_configure() -> None:
    """The tests have not been imported yet."""
    from test import conftest  # the suite's; not before pytest measures and records

    conftest.httpbin = lambda path="": f"http://localhost:{PORT}/{path}"
    conftest.httpbin_custom = lambda path="": f"http://localhost:{PORT + 2}/{path}"
