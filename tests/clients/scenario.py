"""Runs one client through all features; run live, recording and replaying, then compared.

``python scenario.py CLIENT BASES`` prints one JSON object: feature -> what was seen. BASES is
JSON, see :meth:`asking.Ask.url`.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.clients.asking import NotSupportedError
from tests.clients.clients import build, cannot
from tests.clients.features import FEATURES, IMPATIENT
from tests.clients.seeing import error


def main(client: str, bases: str) -> None:
    call, urls = build(client), json.loads(bases)

    def outcome(feature: str) -> dict:
        ask = FEATURES[feature]
        if reason := cannot(client, feature):
            return {"cannot": reason}
        try:
            return call(ask, ask.url(urls))
        except NotSupportedError as reason:
            return {"cannot": str(reason)}
        except Exception as raised:  # noqa: BLE001
            return error(raised)

    waiting = [feature for feature, ask in FEATURES.items() if ask.timeout == IMPATIENT]
    results = {feature: outcome(feature) for feature in FEATURES if feature not in waiting}
    with ThreadPoolExecutor(len(waiting)) as pool:  # they wait at the same time
        results |= zip(waiting, pool.map(outcome, waiting), strict=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
