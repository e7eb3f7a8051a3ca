"""A long run by hand: ``python -m tests.differential [PROGRAMS] [SEED] [CLIENT...]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.differential.generating import Generator
from tests.differential.running import HANG, differences, run, told

CLIENTS = ("requests", "urllib3", "httpx", "httpx2", "async-httpx", "async-httpx2")


def main(number="100", seed="1", *clients):
    """Run so many programs of each client, and print what differs."""
    for client in clients or CLIENTS:
        generator = Generator(client, seed)
        programs = {f"{client}-{n}": (client, generator.program()) for n in range(int(number))}
        with tempfile.TemporaryDirectory() as where:
            seen = run(programs, Path(where))
        found, hung = differences(seen), sum(HANG in str(lines) for lines in seen["live"].values())
        print(f"{client}: {number} programs, {len(found)} differences, {hung} hung\n{told(found)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
