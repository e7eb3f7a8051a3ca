"""This interpreter's version as text."""

import sys

PYTHON = ".".join(str(part) for part in sys.version_info[:3])
