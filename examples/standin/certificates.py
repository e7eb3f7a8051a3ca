"""A certificate authority of our own, so that real host names can be served over TLS.

Clients are told to trust it through SSL_CERT_FILE and its relatives: nothing on the machine is
changed, neither the trust store nor the name resolution.
"""

from __future__ import annotations

import ssl
import threading

import trustme


class Authority:
    """Issues one certificate per host, when the host is first asked for."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def pem(self) -> bytes:
        """The authority's own certificate, which clients have to trust."""
        return self._authority.cert_pem.bytes()

    def context(self, host: str) -> ssl.SSLContext:
        """The server side of TLS for `host`; issuing a key takes long, so it is kept."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_alpn_protocols(["http/1.1"])
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]
