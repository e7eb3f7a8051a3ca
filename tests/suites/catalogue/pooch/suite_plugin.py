"""The address of pooch's test data, which is elsewhere than at GitHub."""

from __future__ import annotations

import os


def pytest_configure() -> None:
    """Before the tests are imported, which ask for the address at once."""
    from pooch.tests import utils  # not before pytest measures and records

    address = f"http://127.0.0.1:{os.environ['SUITE_PORT']}/"
    utils.pooch_test_url = lambda: address
