"""nltk's downloader, whose connections look hosts up and connect by themselves (``nltk.pathsec``).

They refuse addresses that are not public. So do they still where they really connect; a host whose
requests are captured is not looked up for anything else.
"""

from __future__ import annotations

import functools
import sys

from .http_client import HttpClientSeam, patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ..engine import Engine

_CONNECTIONS = ("_SafeHTTPConnection", "_SafeHTTPSConnection")


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``nltk.pathsec``; returns nltk's version. Older ones open URLs as anybody does."""
    for name in _CONNECTIONS:
        cls = getattr(module, name, None)
        if cls is not None:
            patch(cls, HttpClientSeam(engine, cls.connect))
    look_up = getattr(module, "_resolve_hostname", None)
    if look_up is not None:

        @functools.wraps(look_up)
        def _resolve_hostname(hostname: str) -> Any:
            return look_up(hostname) if engine.bypasses(hostname, None) else []

        module._resolve_hostname = _resolve_hostname  # type: ignore[attr-defined]
    return str(getattr(sys.modules.get("nltk"), "__version__", "unknown"))
