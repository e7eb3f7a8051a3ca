"""No tool at all: what is the same without the servers, and whether two live runs are the same."""

from __future__ import annotations

from tests.clients.clients import CLIENTS
from tests.peers.peer import Peer

PEER = Peer(
    name="no tool",
    setup="Nothing around the scenario: what stays the same when the servers have gone.",
    clients=tuple(CLIENTS),
)
