"""``python -m recordbake``."""

from __future__ import annotations

import sys

from recordbake.cli import main

sys.exit(main())
