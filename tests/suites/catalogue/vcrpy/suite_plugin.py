"""httpbin is elsewhere, and its certificate is trusted, as the project's own test script has it."""

from __future__ import annotations

import os

import httpbin_elsewhere  # noqa: F401  # replaces the servers of pytest-httpbin
from pytest_httpbin import certs

os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = certs.where()
