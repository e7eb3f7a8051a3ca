"""The clients of the contract, one file for each library.

A module has ``build(**arguments)``, which imports the library and returns ``call(ask, url)``:
it makes the request as the library's users do and returns what they see (``seeing.seen``), or
raises what they are raised. ``CANNOT`` names what the library truly cannot do, and why; a call
may also raise ``NotSupportedError``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tests.clients.features import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

#: Name in the contract -> module of this package, and what its ``build`` is called with.
CLIENTS: dict[str, tuple[str, dict[str, str]]] = {
    "requests": ("requests", {}),
    "urllib3": ("urllib3", {}),
    "urllib.request": ("urllib_request", {}),
    "http.client": ("http_client", {}),
    "botocore": ("botocore", {}),
    "httplib2": ("httplib2", {}),
    "httpx": ("httpx", {"library": "httpx"}),
    "httpx-asyncio": ("httpx_async", {"library": "httpx", "backend": "asyncio"}),
    "httpx-trio": ("httpx_async", {"library": "httpx", "backend": "trio"}),
    "httpx2": ("httpx", {"library": "httpx2"}),
    "httpx2-asyncio": ("httpx_async", {"library": "httpx2", "backend": "asyncio"}),
    "httpx2-trio": ("httpx_async", {"library": "httpx2", "backend": "trio"}),
    "aiohttp": ("aiohttp", {}),
    "tornado": ("tornado", {"implementation": "simple"}),
    "tornado-curl": ("tornado", {"implementation": "curl"}),
}


def module_of(client: str) -> ModuleType:
    """A client's module; importing it does not import the library."""
    return import_module(f"{__name__}.{CLIENTS[client][0]}")


def build(client: str) -> Callable[..., Any]:
    """A client, ready to call."""
    caller: Callable[..., Any] = module_of(client).build(**CLIENTS[client][1])
    return caller


def cannot(client: str, feature: str) -> str:
    """Why a client cannot do what a feature asks; empty if it can.

    A module's ``CANNOT`` says so by what is asked: ``files``, ``digest``, ``basic``, ``http2``, or
    a way of reading.
    """
    ask, reasons = FEATURES[feature], getattr(module_of(client), "CANNOT", {})
    asked = {ask.read, "files" if ask.files else "", "http2" if ask.http2 else ""}
    asked.add(ask.user[0] if ask.user else "")
    return str(next((reasons[what] for what in sorted(asked) if what in reasons), ""))
