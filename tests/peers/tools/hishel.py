"""hishel outside its RFC mode: it caches whatever the server thinks of it."""

from __future__ import annotations

from functools import partial

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES, REDIRECTS, STATUSES, TAKES
from tests.peers.peer import Peer
from tests.peers.tools.vcrpy import NOT_CLAIMED

_CLIENTS = (
    "httpx", "httpx-asyncio", "httpx-trio", "httpx2", "httpx2-asyncio", "httpx2-trio", "requests",
)  # fmt: skip
_METHODS = "it caches GET and HEAD"
_SUCCESS = "it caches successes, no other status"


def _wire_httpx(library, where):
    """Its clients are drop-in replacements of httpx's."""
    import hishel

    module = __import__(library)
    cached = __import__(f"hishel.{library}", fromlist=["CacheClient"])
    database = where / "cache.db"

    def asynchronous(**options):
        storage = hishel.AsyncSqliteStorage(database_path=database)
        return cached.AsyncCacheClient(storage=storage, **options)

    def synchronous(**options):
        storage = hishel.SqliteStorage(database_path=database)
        return cached.CacheClient(storage=storage, **options)

    module.Client, module.AsyncClient = synchronous, asynchronous


def _wire_requests(where):
    """Its adapter is mounted on each session."""
    import requests
    from hishel import SqliteStorage
    from hishel.requests import CacheAdapter

    plain = requests.Session

    def session():
        found = plain()
        storage = SqliteStorage(database_path=where / "cache.db")
        for scheme in ("http://", "https://"):
            found.mount(scheme, CacheAdapter(storage=storage))
        return found

    requests.Session = session


def drive(_mode, where, scenario):
    wire = _wire_requests if scenario.client == "requests" else partial(
        _wire_httpx, scenario.client.partition("-")[0]
    )  # fmt: skip
    wire(where)
    scenario.run()


_OTHER = {
    name: _METHODS
    for name, ask in FEATURES.items()
    if ask.method not in ("GET", "HEAD")
}  # fmt: skip
PEER = Peer(
    name="hishel",
    setup="`CacheClient`, `AsyncCacheClient`, `CacheAdapter` with its SQLite storage, outside its "
    "RFC 9111 mode, so that every success is kept; it has no mode without the network, the servers "
    "are gone.",
    clients=_CLIENTS,
    why_not={
        client: "not among the libraries that it says it supports"
        for client in CLIENTS
        if client not in _CLIENTS
    },
    not_claimed=NOT_CLAIMED
    | dict.fromkeys(TAKES, "a cache has one answer to a request")
    | dict.fromkeys((*STATUSES, *REDIRECTS, "head-missing", "not-modified", "odd-reason"), _SUCCESS)
    | dict.fromkeys(("cookie-redirect", "tls-redirect", "h2-redirect"), _SUCCESS)
    | dict.fromkeys(("vary-1", "vary-2"), "outside that mode it keys by method and URL alone")
    | dict.fromkeys(("range-1", "range-2"), "it caches no partial content")
    | _OTHER,
    requirements=("hishel[httpx,httpx2,requests]",),
    drive=drive,
)
