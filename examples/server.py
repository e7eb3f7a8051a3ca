"""Start the stand-in for the internet: `python examples/server.py --state DIR`.

It plays huggingface.co, its CDN and three example.org hosts under their real names, as an HTTP
proxy on the loopback interface. DIR then holds the address (`server.json`), the certificate to
trust (`ca.pem`) and what was served (`count`, `requests.json`, `requests.log`).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from standin import StandIn


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; one line on stdout says that it is ready."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--rate-limit-seconds",
        type=float,
        default=0,
        metavar="N",
        help="answer 429 for huggingface.co during the N seconds after its first request",
    )
    options = parser.parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with StandIn(options.state, rate_limit_seconds=options.rate_limit_seconds) as server:
        print(json.dumps(server.address()), flush=True)
        stopping.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
