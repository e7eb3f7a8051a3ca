"""httpbin is elsewhere."""

from __future__ import annotations

import httpbin_elsewhere  # noqa: F401  # replaces the servers of pytest-httpbin
