"""recordbake itself, through the same harness."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from tests.clients.clients import CLIENTS
from tests.peers.peer import RECORD, Peer, Surroundings

_COMMANDS = {True: ("record", "--allow-errors"), False: ("replay", "--strict")}


@contextmanager
def outside(mode, where):
    verb, option = _COMMANDS[mode == RECORD]
    recording = ("--recording", str(where / ".recordbake"))
    command = (sys.executable, "-m", "recordbake", verb, option, *recording, "--")
    yield Surroundings(command, {"RECORDBAKE_CAPTURE_LOOPBACK": "1"})


PEER = Peer(
    name="recordbake",
    setup="`recordbake record --allow-errors` and `recordbake replay --strict` around the process.",
    clients=tuple(CLIENTS),
    outside=outside,
)
