"""The page in the documentation: docs/reference/peers.md, from what a run has shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES, GROUPS
from tests.peers.comparing import CANNOT, FINE, PLAIN, is_plain
from tests.peers.hub import WAYS
from tests.peers.peer import NAMES, Peer, load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PAGE = """\
# The contract, put to other tools

<!-- made by: nox -s peers -- --page -->

[The contract](contract.md) is recordbake's own, and asks for what recordbake wants to keep. Here other tools are put
to the very same clients and features: read it as what a replay leaves different, not as a tool's worth. Each client
runs all its features live, then with the tool recording, then with the tool replaying while the servers are gone, in an
environment of the tool's own. Whatever differs in one of the two runs is a difference.

Measured on {date} with `nox -s peers -- --page`, Python {python}, and
{versions}.

*Same* means what tests look at: status, body, values of header fields, cookies, final URL and history, the class of
the exception. Whatever a tool never says it does [is not counted](#how-each-was-used), unless it does it. Two controls
belong to each client and tool, and fail the run: the plainest GET must be the same, and a replay of nothing must not
be. *no tool* has nothing around the clients: what is the same there is what no server is needed for.

## By client

How many features are the same, of those that the client can and the tool claims; in brackets, how many are the same
in every detail of the contract, such as the reason phrase, order and case of fields, pieces of a body, texts of
exceptions, what a second reading gives. `-`: not asked, for the reason [below](#how-each-was-used).

"""  # noqa: E501  # a page
_BEGIN, _END = "<!-- peers: made by nox -s peers -- --page -->", "<!-- end of peers -->"
_LOST = """
## What is lost

In how many cells, all clients together; a cell may count more than once. First what tests look at.

"""
_GROUPS = """
## By group

Cells that are the same, of those that are claimed; after `+`, those that differ but never were.

"""
_FEATURES = """
## By feature

With how many clients it is the same, of those that can and are claimed; after `+` with how many it is not, and was
never claimed. `tests/clients/features.py` tells what each asks for.

"""  # noqa: E501  # a page
_USED = """
## How each was used

"""
_HUB = """
## The Hub alone

Not recorders of HTTP, but what projects of machine learning reach for. The calls below, made by huggingface_hub
{version} against the stand-in for the Hub in `examples/`; then, with that gone, {ways}.
`same`: as live; otherwise what is raised. The API is not answered where `HF_HUB_OFFLINE` is set: so says its
documentation. Nor does a warm-up job claim it.

"""  # noqa: E501  # a page


def write(docs: Path, results: dict[str, Any]) -> None:
    """Write reference/peers.md, and its first table into explanation/comparison.md."""
    cells = results["cells"]
    peers = {name: load(name) for name in NAMES if name in cells}
    made = results["made"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    parts = [
        _PAGE.format(date=made["date"], python=made["python"], versions=versions),
        _by_client(peers, cells),
        _LOST, _lost(peers, cells),
        _GROUPS, _by(peers, cells, GROUPS, "group"),
        _FEATURES, _by(peers, cells, {feature: [feature] for feature in FEATURES}, "feature"),
        _USED, "\n".join(_use(peer) for peer in peers.values()),
        _hub(results["hub"]),
    ]  # fmt: skip
    (docs / "reference" / "peers.md").write_text("".join(parts))
    comparison = docs / "explanation" / "comparison.md"
    begin, mark, rest = comparison.read_text().partition(f"{_BEGIN}\n")
    assert mark, comparison
    table = _by_client(peers, cells, exact=False)
    comparison.write_text(begin + mark + "\n" + table + "\n" + rest[rest.index(_END) :])


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def _names(peers: dict[str, Peer]) -> list[str]:
    return [peer.name for peer in peers.values()]


def unclaimed(peer: Peer, feature: str) -> str:
    """Why a feature is not claimed by a tool; '' if it is."""
    group = next(name for name, features in GROUPS.items() if feature in features)
    return peer.not_claimed.get(feature) or peer.not_claimed.get(group) or ""


def counts(peer: Peer, cells: dict[str, Any], features: Iterable[str]) -> Counter:
    """Of a client's cells: ``same``, ``exact``, ``lost``; and ``free``: lost, but never claimed."""
    found: Counter = Counter()
    for feature in features:
        cell = cells[feature]
        if cell == CANNOT:
            continue
        if is_plain(cell):
            found["same"] += 1
            found["exact"] += cell == "same"
        else:
            found["free" if unclaimed(peer, feature) else "lost"] += 1
    return found


def _by_client(peers: dict[str, Peer], cells: dict[str, Any], *, exact: bool = True) -> str:
    rows = []
    for client in CLIENTS:
        row = [client]
        for name, peer in peers.items():
            if client not in cells[name]:
                assert peer.why_not[client]
                row.append("-")
                continue
            found = counts(peer, cells[name][client], FEATURES)
            cell = f"{found['same']} of {found['same'] + found['lost']}"
            row.append(f"{cell} ({found['exact']})" if exact else cell)
        rows.append(row)
    return _table(["client", *_names(peers)], rows)


def _lost(peers: dict[str, Peer], cells: dict[str, Any]) -> str:
    kinds: dict[str, Counter] = defaultdict(Counter)
    for name, peer in peers.items():
        for found in cells[name].values():
            for feature, cell in found.items():
                if isinstance(cell, dict) and (is_plain(cell) or not unclaimed(peer, feature)):
                    kinds[name].update(set().union(*cell.values()))
    return _table(
        ["kind", *_names(peers)],
        [
            [f"{kind}: {what}", *(kinds[name][kind] for name in peers)]
            for kind, what in (PLAIN | FINE).items()
        ],
    )


def _by(
    peers: dict[str, Peer], cells: dict[str, Any], groups: dict[str, Iterable[str]], word: str
) -> str:
    rows = []
    for group, features in groups.items():
        row = [group]
        for name, peer in peers.items():
            found: Counter = Counter()
            for of_client in cells[name].values():
                found += counts(peer, of_client, features)
            total = found["same"] + found["lost"]
            cell = f"{found['same']}/{total}" if total else "not claimed"
            row.append(f"{cell} +{found['free']}" if found["free"] and total else cell)
        rows.append(row)
    return _table([word, *_names(peers)], rows)


def _use(peer: Peer) -> str:
    reasons: dict[str, list[str]] = defaultdict(list)
    for what, why in peer.not_claimed.items():
        reasons[why].append(what)
    lines = [f"**{peer.name}**: {peer.setup}\n"]
    lines += [f"- not claimed: {', '.join(_short(what))} ({why})" for why, what in reasons.items()]
    clients: dict[str, list[str]] = defaultdict(list)
    for client, why in peer.why_not.items():
        clients[why].append(client)
    lines += [f"- not asked: {', '.join(names)} ({why})" for why, names in clients.items()]
    return "\n".join(lines) + "\n"


def _short(names: list[str]) -> list[str]:
    """With a group's name where all its features are meant."""
    whole = [group for group, features in GROUPS.items() if set(features) <= set(names)]
    covered = {feature for group in whole for feature in GROUPS[group]}
    return whole + [name for name in names if name not in covered]


def _hub(found: dict[str, Any]) -> str:
    ways = "; ".join(f"{way}: {what}" for way, what in WAYS.items())
    rows = [[call, *(cells[way] for way in WAYS)] for call, cells in found["calls"].items()]
    asked = found["asked"]
    rows.append(["requests of a Hub that is there", *(asked[way] for way in WAYS)])
    table = _table(["call", *WAYS], rows)
    online = asked["no cache, online"]
    first = f"\nWithout any of them, and with an empty cache, the calls make {online} requests.\n"
    return _HUB.format(version=found["version"], ways=ways) + table + first
