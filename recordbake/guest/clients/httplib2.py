"""httplib2, whose connections are http.client's with a ``connect`` of their own."""

from __future__ import annotations

from .http_client import HttpClientSeam, patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..engine import Engine

NAME = "httplib2"


class Httplib2Seam(HttpClientSeam):
    """httplib2's own connection classes; it makes its errors of what its sockets raise."""

    name = NAME


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``httplib2``'s connections; returns its version."""
    for cls in (module.HTTPConnectionWithTimeout, module.HTTPSConnectionWithTimeout):
        patch(cls, Httplib2Seam(engine, cls.connect))
    return str(module.__version__)
