"""cassetter: a cassette for each test, as its documentation has it."""

from __future__ import annotations

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES
from tests.peers.peer import Peer
from tests.peers.tools.vcrpy import NOT_CLAIMED, with_cassettes

_NOT_KEPT = "it leaves out what may be a secret, by design: `Set-Cookie`, `WWW-Authenticate`"
_CODED = ("gzip", "deflate", "br", "zstd", "gzip-chunked", "bad-gzip")
_CLIENTS = (
    "aiohttp", "httpx", "httpx-asyncio", "httpx-trio", "httpx2", "httpx2-asyncio", "httpx2-trio",
    "requests", "urllib3",
)  # fmt: skip
_NOT_SUPPORTED = "not among the libraries that it says it supports"


def drive(mode, where, scenario):
    import cassetter

    with_cassettes(mode, where, scenario, cassetter.use_cassette)


PEER = Peer(
    name="cassetter",
    setup='`cassetter.use_cassette(..., record_mode="once")`, then `"none"`; a cassette for each '
    "feature.",
    clients=_CLIENTS,
    why_not={client: _NOT_SUPPORTED for client in CLIENTS if client not in _CLIENTS},
    not_claimed=NOT_CLAIMED
    | {
        "headers": _NOT_KEPT,
        "cookies": _NOT_KEPT,
        "cookie-redirect": _NOT_KEPT,
        "tls-redirect": _NOT_KEPT,
        "digest-auth": _NOT_KEPT,
        "basic-auth": _NOT_KEPT,
        "h2-headers": _NOT_KEPT,
    }
    | dict.fromkeys(
        (name for name, ask in FEATURES.items() if ask.path.rpartition("/")[2] in _CODED),
        "it decodes bodies and leaves `Content-Encoding` out, by design",
    ),
    requirements=("cassetter",),
    drive=drive,
)
