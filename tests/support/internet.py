"""The examples' stand-in for the internet, shaped for fixtures.

@pytest.fixture
def internet(tmp_path):
    with Internet(tmp_path / "internet") as internet:
        yield internet
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
if str(EXAMPLES) not in sys.path:
    # Last, so that nothing in examples/ can shadow a module that a test means.
    sys.path.append(str(EXAMPLES))

from standin import HangUp, Request, Response, StandIn  # noqa: E402 - needs the path above
from with_server import surroundings  # noqa: E402

if TYPE_CHECKING:
    import pytest

__all__ = ["EXAMPLES", "HangUp", "Internet", "Request", "Response", "StandIn"]


class Internet(StandIn):
    """A stand-in with what tests do around it: hand over the environment, read the log."""

    def full_environment(self, **more: str) -> dict[str, str]:
        """A whole environment for a subprocess: this process's, led here, plus `more`."""
        return {**surroundings(self.state, self.proxy), **more}

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lead the clients of this very process here, until the test ends.

        Not huggingface_hub: it reads its settings at import. Give it a process of its own.
        """
        wanted = self.full_environment()
        for name in set(os.environ) - set(wanted):
            monkeypatch.delenv(name)
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)
        # urllib keeps the opener of its first call, and with it that call's proxy.
        monkeypatch.setattr(urllib.request, "_opener", None)

    def requests(self) -> list[str]:
        """The log: one `METHOD host path status` per request, in order."""
        return (self.state / "requests.log").read_text(encoding="utf-8").splitlines()
