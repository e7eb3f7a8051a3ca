"""What all tests stand on, however they were started."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Heed Ctrl-C, as what a test starts has to: a shell ignores it for what it runs behind."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
