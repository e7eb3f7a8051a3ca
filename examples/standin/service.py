"""The stand-in as a whole: state directory, certificate authority, proxy, hosts."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from standin import hosts
from standin.certificates import Authority
from standin.hub import CDN, HUB, Hub
from standin.ledger import Ledger, write_atomically
from standin.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from standin.message import Handler


class StandIn:
    """A small internet on one port of the loopback interface.

    Use it as a context manager; `environment()` leads clients to it. `routes` adds hosts or
    replaces played ones: a handler gets a `Request` and returns a `Response`. `clock` is there for
    tests of the rate limit.
    """

    def __init__(
        self,
        state: Path | str,
        *,
        rate_limit_seconds: float = 0,
        routes: Mapping[str, Handler] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = Path(state).resolve()
        hub = Hub(rate_limit_seconds=rate_limit_seconds, clock=clock)
        self._routes: dict[str, Handler] = {
            HUB: hub.handle,
            CDN: hub.cdn.handle,
            **hosts.routes(),
            **(routes or {}),
        }
        self._proxy: Proxy | None = None
        self._ledger: Ledger | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen, then publish certificate and address: who finds them can connect."""
        self.state.mkdir(parents=True, exist_ok=True)
        authority = Authority()
        self._ledger = Ledger(self.state)
        self._proxy = Proxy(self._routes, authority, self._ledger)
        self._thread = threading.Thread(
            target=self._proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        write_atomically(self.state / "ca.pem", authority.pem)
        write_atomically(self.state / "server.json", json.dumps(self.address()).encode() + b"\n")
        return self

    def stop(self) -> None:
        """Stop listening and end what is open; `server.json` goes, the counts stay."""
        assert self._proxy is not None
        assert self._ledger is not None
        assert self._thread is not None
        (self.state / "server.json").unlink(missing_ok=True)
        self._proxy.shutdown()
        self._proxy.server_close()
        self._proxy.hang_up()
        self._thread.join()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def proxy(self) -> str:
        """The proxy's URL."""
        assert self._proxy is not None
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def count(self) -> int:
        """How many requests were served."""
        assert self._ledger is not None
        return self._ledger.count

    def address(self) -> dict[str, int | str]:
        """What `server.json` says."""
        assert self._proxy is not None
        return {"pid": os.getpid(), "port": self._proxy.port, "proxy": self.proxy}

    def environment(self) -> dict[str, str]:
        """Variables that lead a program's requests here."""
        return environment(self.state, self.proxy)


def environment(state: Path, proxy: str) -> dict[str, str]:
    """Variables that lead a program's requests to `proxy` and make it trust its certificates.

    Lower and upper case: urllib and curl read `http_proxy` only in lower case.
    """
    ca = str(state / "ca.pem")
    names = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
    return {
        **dict.fromkeys(names, proxy),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "SSL_CERT_FILE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "CURL_CA_BUNDLE": ca,
    }
