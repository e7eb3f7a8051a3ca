"""Record a test suite's HTTP traffic once, bake it, and replay it offline in CI."""

from __future__ import annotations

__version__ = "0.1.0"
