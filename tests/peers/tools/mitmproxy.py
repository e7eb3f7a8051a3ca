"""mitmproxy: a proxy beside the suite that writes what passes, then serves it again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

from tests.clients.clients import CLIENTS
from tests.peers.peer import RECORD, Peer, Surroundings
from tests.peers.tools.vcrpy import NOT_CLAIMED
from tests.support.environments import python_with

_OWN = ("mitmproxy",)
_COMMON = ("--quiet", "--set", "connection_strategy=lazy")
_REPLAY = (
    "--set", "server_replay_extra=kill", "--set", "server_replay_refresh=false",
    "--set", "upstream_cert=false", "--set", "server_replay_ignore_content=true",
)  # fmt: skip
_NO_PROXY = {
    "http.client": "it knows no proxy",
    "tornado": "it knows no proxy",
    "tornado-curl": "it is told of a proxy with each request, and the contract's client is not",
}
_CLIENTS = tuple(client for client in CLIENTS if client not in _NO_PROXY)
_GATEWAY = (
    "a client of a proxy sees what the proxy says of a server that fails, or of its certificate"
)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await(port, process, seconds=60):
    """Until it listens; it has no other way to say so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("mitmdump did not start")


@contextmanager
def outside(mode, where):
    flows, settings, port = where / "flows", where / "mitmproxy", _free_port()
    flows.touch()
    what = ("--save-stream-file", str(flows)) if mode == RECORD else ("--server-replay", str(flows))
    command = [
        str(python_with(*_OWN).parent / "mitmdump"), *_COMMON, *what,
        *(_REPLAY if mode != RECORD else ()),
        "--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", f"confdir={settings}",
        "--set", f"ssl_verify_upstream_trusted_ca={where / 'ca.pem'}",
    ]  # fmt: skip
    with (where / "mitmdump.log").open("a") as log, subprocess.Popen(
        command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
    ) as process:  # fmt: skip
        try:
            _await(port, process)
            yield Surroundings(env=_told(f"http://127.0.0.1:{port}", settings))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _told(proxy, settings):
    """The variables that clients know, and the proxy's own authority."""
    authority = str(settings / "mitmproxy-ca-cert.pem")
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    trusted = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS")
    return {
        **dict.fromkeys(names, proxy),
        **dict.fromkeys(trusted, authority),
        "no_proxy": "",
        "NO_PROXY": "",
    }


def drive(_mode, _where, scenario):
    """Clients that read no variable are told of the proxy in their own way."""
    proxy = os.environ["http_proxy"]
    if scenario.client == "urllib3":
        import urllib3

        def manager(**options):
            return urllib3.ProxyManager(proxy, **options)

        urllib3.PoolManager = manager
    if scenario.client == "aiohttp":
        import aiohttp

        plain = aiohttp.ClientSession

        def session(**options):
            return plain(trust_env=True, **options)

        aiohttp.ClientSession = session
    if scenario.client == "botocore":
        import botocore.httpsession

        plain_session = botocore.httpsession.URLLib3Session

        def botocore_session(**options):
            return plain_session(proxies={"http": proxy, "https": proxy}, **options)

        botocore.httpsession.URLLib3Session = botocore_session
    scenario.run()


PEER = Peer(
    name="mitmproxy",
    setup="`mitmdump --save-stream-file`, then `--server-replay` with `server_replay_extra=kill`, "
    "`server_replay_refresh=false`, `server_replay_ignore_content=true` (a multipart body has "
    "another boundary each time) and `connection_strategy=lazy`; clients that read no proxy from "
    "the environment are given it, all trust its certificate.",
    clients=_CLIENTS,
    why_not=_NO_PROXY,
    not_claimed=NOT_CLAIMED
    | dict.fromkeys(
        ("Failures", "tls-truncated", "tls-wrong-name", "tls-unknown-authority",
         "tls-refused-by-http", "h2-unknown-authority"), _GATEWAY,
    ),
    requirements=("pysocks",),  # without it httplib2 knows no proxy
    own=_OWN,
    outside=outside,
    drive=drive,
)  # fmt: skip
