"""urllib3 1.26 and 2.x, and what stands on it: requests, botocore, huggingface_hub before 1.0."""

from __future__ import annotations

import functools
import sys

from .http_client import HttpClientSeam, deferred_socket, is_bypassed, is_ours, patch
from .urllib3_ready import patch_requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from ..engine import Engine
    from ..exchange import Failure
    from ..plan import Plan
    from .deferred_socket import DeferredSocket

NAME = "urllib3"
_VERIFYING = (2, "CERT_REQUIRED", "REQUIRED", None)  # 2 is ssl.CERT_REQUIRED


class Urllib3Seam(HttpClientSeam):
    """urllib3's own connection classes and errors."""

    name = NAME

    def dial(self, connection: Any, stand_in: DeferredSocket) -> Any:
        """Open the real connection; see the parent."""
        connection._has_connected_to_proxy = False
        return super().dial(connection, stand_in)

    def socket_options(self, connection: Any) -> Iterable[tuple[Any, ...]]:
        """Those of the pool, or of the caller."""
        return connection.socket_options or ()

    def prepared(self, connection: Any) -> None:
        """Set what ``connect`` sets, so that warnings about unverified requests stay as live."""
        proxied = bool(getattr(connection, "proxy", None))
        connection._has_connected_to_proxy = proxied
        if proxied and getattr(connection, "proxy_is_verified", True) is None:
            connection.proxy_is_verified = False
        if connection.default_port == 443:  # noqa: PLR2004
            connection.is_verified = (
                getattr(connection, "cert_reqs", None) in _VERIFYING
                or getattr(connection, "assert_fingerprint", None) is not None
            )

    def blocked(self, connection: Any, plan: Plan) -> Exception:
        """An error of urllib3 that nobody retries: neither urllib3 nor what stands on it.

        requests makes a ``RetryError`` of it, which huggingface_hub neither tries again for 23 s
        (as it does every ``ConnectionError``) nor takes as a reason to use its cache in silence.
        """
        exceptions = sys.modules["urllib3.exceptions"]
        reason = _blocked_reason(exceptions.ResponseError, plan.message)
        pool: Any = connection  # for the message only
        return as_exception(exceptions.MaxRetryError(pool, plan.request.url, reason))

    def failed(self, connection: Any, failure: Failure) -> Exception:
        """The error that urllib3's own ``connect`` raised while recording."""
        from .urllib3_failures import of_connect

        return self.surfaced(
            connection, of_connect(connection, failure, super().failed(connection, failure))
        )

    def surfaced(self, connection: Any, error: Exception) -> Exception:
        """The error as urllib3's pools raise it, which connect before a request begins."""
        from .urllib3_failures import of_pool

        return of_pool(connection, error)


def _blocked_reason(cls: Any, message: str) -> Any:
    """A ``ResponseError`` that shows its message as it is: ``MaxRetryError`` shows its ``repr``."""

    def reduce(_: object) -> tuple[Any, tuple[str]]:
        return cls, (message,)  # another process need not know our class

    body = {"__repr__": lambda _: message, "__reduce__": reduce}
    return type(cls.__name__, (cls,), body)(message)


def as_exception(error: Any) -> Exception:
    """One of urllib3's errors, which mypy knows nothing of here."""
    assert isinstance(error, Exception)
    return error


def _patch_new_conn(cls: Any, seam: Urllib3Seam) -> None:
    """Replace ``_new_conn``, which suites ask for a bare socket."""
    original = cls._new_conn

    @functools.wraps(original)
    def _new_conn(self: Any) -> Any:
        __tracebackhide__ = True  # pytest then shows the suite's own lines
        through = self.default_port == 443 or self._tunnel_host  # noqa: PLR2004
        if through or not is_ours(self) or is_bypassed(self, seam.engine):
            return original(self)
        stand_in, before = deferred_socket()(self, seam), self.sock
        try:
            stand_in.connect()
        finally:
            self.sock = before
        return stand_in

    cls._new_conn = _new_conn


def install(module: ModuleType, engine: Engine) -> str:
    """Patch ``urllib3.connection``; returns urllib3's version."""
    classes = [module.HTTPConnection]
    verified = getattr(module, "HTTPSConnection", None)
    if verified is not None and "connect" in vars(verified):
        classes.append(verified)
    plain = module.HTTPConnection
    patch_requests(module, plain, engine)
    seams = [Urllib3Seam(engine, cls.connect) for cls in classes]
    for cls, seam in zip(classes, seams, strict=True):
        patch(cls, seam)
    _patch_new_conn(plain, seams[0])
    version = sys.modules.get("urllib3._version")
    return str(getattr(version, "__version__", "unknown"))
