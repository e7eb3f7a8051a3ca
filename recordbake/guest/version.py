"""This interpreter's version as text."""

from __future__ import annotations

import sys

PYTHON = ".".join(str(part) for part in sys.version_info[:3])
