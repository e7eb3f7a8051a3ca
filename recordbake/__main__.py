"""``python -m recordbake``."""

from __future__ import annotations

import sys

from recordbake.entry import main

sys.exit(main())
