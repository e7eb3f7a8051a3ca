"""The suite's ``server`` fixture with a server that is elsewhere."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """conftest.py is imported by now: its server starts nothing from here on."""
    conftest = __import__("tests.conftest", fromlist=["conftest"])
    httpx = __import__("httpx")
    url = httpx.URL(f"http://127.0.0.1:{os.environ['SUITE_PORT']}/")
    elsewhere = SimpleNamespace(url=url, config=SimpleNamespace(is_ssl=False))
    conftest.serve_in_thread = lambda _: iter([elsewhere])
