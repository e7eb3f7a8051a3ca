"""requests-cache, with every setting that helps."""

from __future__ import annotations

from tests.clients.clients import CLIENTS
from tests.clients.features import TAKES
from tests.peers.peer import RECORD, Peer
from tests.peers.tools.vcrpy import NOT_CLAIMED

_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PURGE")
_HEADERS = ("Accept-Language", "Authorization", "If-None-Match", "Range")


def drive(mode, where, scenario):
    import requests_cache

    requests_cache.install_cache(
        str(where / "cache"), backend="sqlite", expire_after=requests_cache.NEVER_EXPIRE,
        allowable_methods=_METHODS, allowable_codes=range(100, 600), match_headers=_HEADERS,
        ignored_parameters=(), only_if_cached=mode != RECORD,
    )  # fmt: skip
    scenario.run()


PEER = Peer(
    name="requests-cache",
    setup="`install_cache` with every method and status allowed, never expiring, the header fields "
    "that the contract varies in `match_headers`, credentials not ignored; then with "
    "`only_if_cached`.",
    clients=("requests",),
    why_not={client: "it is a cache of requests" for client in CLIENTS if client != "requests"},
    not_claimed=NOT_CLAIMED
    | dict.fromkeys(TAKES, "a cache has one answer to a request, the newest or the first"),
    requirements=("requests-cache",),
    drive=drive,
)
