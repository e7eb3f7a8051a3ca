"""Runs one client through all features; run live, recording and replaying, then compared.

``python scenario.py CLIENT BASES`` prints one JSON object: feature -> what was seen. BASES is
JSON, see :meth:`asking.Ask.url`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.clients.asking import NotSupportedError
from tests.clients.clients import build, cannot
from tests.clients.features import FEATURES
from tests.clients.seeing import error


def main(client: str, bases: str) -> None:
    call, urls = build(client), json.loads(bases)
    results = {}
    for feature, ask in FEATURES.items():
        if reason := cannot(client, feature):
            results[feature] = {"cannot": reason}
            continue
        try:
            results[feature] = call(ask, ask.url(urls))
        except NotSupportedError as reason:
            results[feature] = {"cannot": str(reason)}
        except Exception as raised:  # noqa: BLE001
            results[feature] = error(raised)
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
