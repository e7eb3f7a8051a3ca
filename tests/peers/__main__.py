"""The contract of tests/clients put to other tools: ``python -m tests.peers [PEER ...]``.

Each client that a tool says it supports runs all features: live, with the tool recording, and with
the tool replaying while the servers are gone. Two controls belong to each: the plainest GET must
be the same, and a replay of nothing must not be. Results are kept in ``results.json`` of the work
directory; peers that are not named keep theirs.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES
from tests.peers import comparing, hub, page, running
from tests.peers.peer import NAMES, load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns 1 if a control failed, and writes no page then."""
    options = _options(arguments)
    names = options.names or [*NAMES, "hub"]
    kept = options.work.resolve() / "results.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(kept.read_text()) if kept.exists() else {"cells": {}, "failed": {}}
    results = _still_asked(results)
    for name, client, found in _asked(names, options, kept.parent):
        results["cells"].setdefault(name, {})[client] = found["cells"]
        results["failed"][f"{name} {client}"] = found["failed"]
        kept.write_text(json.dumps(results, indent=1))
    if not options.kept:
        if "hub" in names:
            results["hub"] = hub.run(kept.parent / "hub")
        results["made"] = {
            "date": datetime.now(timezone.utc).strftime("%d %B %Y"),
            "python": platform.python_version(),
            "versions": running.versions(),
        }
        kept.write_text(json.dumps(results, indent=1))
    failed = {pair: why for pair, why in results["failed"].items() if why}
    for pair, why in failed.items():
        print(f"control failed: {pair}: {why}", file=sys.stderr)
    if options.page and not failed:
        page.write(ROOT / "docs", results)
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PEER", help=f"of {', '.join(NAMES)}, hub")
    parser.add_argument("--client", action="append", help="ask only these (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="clients at a time (default: 2)")
    parser.add_argument("--work", type=Path, default=ROOT / ".peers")
    parser.add_argument("--kept", action="store_true", help="judge what the last run has kept")
    parser.add_argument("--page", action="store_true", help="write the figures into the docs")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {*NAMES, "hub"}:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    if unknown := set(options.client or ()) - set(CLIENTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    return options


def _asked(
    names: list[str], options: argparse.Namespace, work: Path
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Peer, client and what :func:`ask` found, in the order of the page."""
    pairs = [
        (name, client)
        for name in NAMES
        if name in names
        for client in load(name).clients
        if client in (options.client or CLIENTS)
    ]
    for name in {name for name, _ in pairs}:
        running.python_of(name)  # before threads would make it twice
    with ThreadPoolExecutor(options.jobs) as pool:
        found = pool.map(lambda pair: ask(*pair, work, again=not options.kept), pairs)
        yield from ((*pair, cells) for pair, cells in zip(pairs, found, strict=True))


def _still_asked(results: dict[str, Any]) -> dict[str, Any]:
    """Without clients that a peer is no longer put to."""
    asked = {name: set(load(name).clients) for name in NAMES}
    results["cells"] = {
        name: {client: cells for client, cells in found.items() if client in asked[name]}
        for name, found in results["cells"].items()
    }
    pairs = {f"{name} {client}" for name, clients in asked.items() for client in clients}
    results["failed"] = {pair: why for pair, why in results["failed"].items() if pair in pairs}
    return results


def ask(name: str, client: str, work: Path, *, again: bool = True) -> dict[str, Any]:
    """One client with one peer: its cells, and which control failed."""
    where = work / name / client
    if again:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        running.run(name, client, where)
    runs = running.kept(where)
    cells = {
        feature: comparing.cell(
            runs.live.get(feature), runs.recorded.get(feature), runs.replayed.get(feature), feature
        )
        for feature in FEATURES
    }
    failed = controls(name, runs, cells)
    counts = [sum(cell == comparing.SAME for cell in cells.values()),
              sum(comparing.is_plain(cell) for cell in cells.values())]  # fmt: skip
    print(name, client, *counts, failed, flush=True)
    return {"cells": cells, "failed": failed}


def controls(name: str, runs: running.Runs, cells: dict[str, Any]) -> str:
    """Which control failed, or ''."""
    live = runs.live[running.CONTROL]
    nothing = comparing.differences(live, runs.empty.get(running.CONTROL), running.CONTROL)
    if not set(nothing) & set(comparing.PLAIN):
        return "a replay of nothing answered"
    if name == "nothing":
        changed = [f for f in runs.live if runs.recorded.get(f) != runs.live[f]]
        return f"two live runs differ: {', '.join(changed)}" if changed else ""
    return "" if comparing.is_plain(cells[running.CONTROL]) else "a plain GET was not the same"


if __name__ == "__main__":
    sys.exit(main())
