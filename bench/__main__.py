"""``python -m bench``: measures every row, writes reports/bench.json and the page made of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.growth import GROWTHS
from bench.page import write_page
from bench.pictures import draw
from bench.rows import ROWS
from bench.surroundings import ROOT, Surroundings

if TYPE_CHECKING:
    from bench.growth import Growth


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only shows that it works")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default: 5)")
    parser.add_argument("--only", default="", help="rows whose name has this in it; keeps the rest")
    parser.add_argument("--peers", type=Path, help="a Python with the peers installed")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "bench.json")
    parser.add_argument(
        "--page", type=Path, help="the page to write (docs/reference/benchmarks.md)"
    )
    parser.add_argument("--images", type=Path, help="where its pictures go (docs/images)")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    kept, grown = _rows_of(options.out) if options.only else ({}, {})
    with Surroundings(quick=options.quick, peers=options.peers) as surroundings:
        for row in ROWS:
            if not any(part in row.name for part in options.only.split(",")):
                continue
            print(f"{row.name} ... ", end="", flush=True, file=sys.stderr)
            result = row.measure(surroundings, rounds)
            print(f"{result.value:.2f}", file=sys.stderr)
            peers = {name: round(value, 4) for name, value in result.peers.items()}
            peers = peers or kept.get(row.name, {}).get("peers", {})
            kept[row.name] = {
                "name": row.name, "what": row.what, "how": row.how, "rounds": rounds, "unit": row.unit,
                "value": round(result.value, 4), "bar": row.bar,
                "met": row.bar is None or result.value <= row.bar,
                "peers": peers,
                "sides": result.sides,
            }  # fmt: skip
        for growth in GROWTHS:
            if any(part in growth.name for part in options.only.split(",")):
                print(f"{growth.name} ...", flush=True, file=sys.stderr)
                grown[growth.name] = _figures(growth, surroundings)
    report: dict[str, Any] = {
        "v": 1, "measured_at": time.time(), "quick": options.quick, "rounds": rounds,
        "python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0],
        "rows": [kept[row.name] for row in ROWS if row.name in kept],
        "growth": [grown[growth.name] for growth in GROWTHS if growth.name in grown],
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    if options.page:
        write_page(report, options.page)
    for growth in report["growth"] if options.images else ():
        draw(growth, options.images / f"{growth['name']}.svg")
    return 0


def _figures(growth: Growth, surroundings: Surroundings) -> dict[str, Any]:
    points = list(growth.measure(surroundings))
    sides = {name: [round(values[name], 6) for _, values in points] for name in points[0][1]}
    return {
        "name": growth.name, "title": growth.title, "by": growth.by,
        "x": [x for x, _ in points], "sides": sides,
    }  # fmt: skip


def _rows_of(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a report has so far, by name: rows, and how costs grow."""
    if not path.is_file():
        return {}, {}
    report = json.loads(path.read_text())
    return (
        {row["name"]: row for row in report["rows"]},
        {growth["name"]: growth for growth in report.get("growth", ())},
    )


if __name__ == "__main__":
    sys.exit(main())
