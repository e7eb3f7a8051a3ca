"""Runs one client's scenario with a peer around it, in the peer's environment.

``python asking.py PEER MODE CLIENT BASES RESULTS [FEATURE...]`` appends a line of JSON to RESULTS
for each feature, as soon as it was seen: what a tool ends early keeps what came before.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.clients.asking import NotSupportedError
from tests.clients.clients import build, cannot
from tests.clients.features import FEATURES
from tests.clients.seeing import error
from tests.peers.peer import Scenario, load

_LIMIT = 30  # seconds for one feature; its own timeout is at most 20


class TooLongError(Exception):
    """A feature that does not come to an end."""


def _give_up(*_):
    raise TooLongError


def main(peer: str, mode: str, client: str, bases: str, results: str, *features: str) -> None:
    urls, built = json.loads(bases), []
    signal.signal(signal.SIGALRM, _give_up)

    def see(feature):
        if reason := cannot(client, feature):
            return {"cannot": reason}
        signal.alarm(_LIMIT)
        try:
            if not built:
                built.append(build(client))
            return built[0](FEATURES[feature], FEATURES[feature].url(urls))
        except NotSupportedError as reason:
            return {"cannot": str(reason)}
        except Exception as raised:  # noqa: BLE001
            return error(raised)
        finally:
            signal.alarm(0)

    def ask(feature):
        found = see(feature)
        with Path(results).open("a") as file:
            file.write(json.dumps([feature, found]) + "\n")

    load(peer).drive(mode, Path.cwd(), Scenario(client, list(features) or list(FEATURES), ask))


if __name__ == "__main__":
    main(*sys.argv[1:])
