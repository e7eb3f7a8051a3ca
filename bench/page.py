"""docs/reference/benchmarks.md, made of reports/bench.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = """\
# Benchmarks

Made by `nox -s bench` from `reports/bench.json`; do not edit.

What recordbake costs, as ratios: both sides of a row are processes that take turns, the row's number of rounds,
medians of the rounds (suites: 3 at most; bake and audit: once); rows may come from several calls (`--only`). Machines differ, ratios less. CPU is user and system time of a process and its
children (`wait4`); a call's CPU and wall are taken inside its process. The server answers with one send
per response. Figures of one row vary by some hundredths on a quiet machine, and by more on a busy one:
this run had a load of {load:.1f} on {cores} cores (Python {python}).

A transport that answers from a dict is the least that a client itself can cost: an `HTTPAdapter` for
requests, a `ConnectionCls` for urllib3, a `BaseTransport` for httpx. aiohttp has none, so it is set against live calls. It
opens nothing, looks nothing up, writes no journal and hands out no cookies. *A look-up alone* is the same transport that
asks the store for the answer, checks it, writes the journal's line and lets the answer go: no hook of these guarantees
costs less, whatever it then does with the answer. A hooked client is spared some of its own work whose result it has already
([0045](../adr/0045-repeats.md)); the side with a dict is not hooked and does all of it, so these ratios may fall below 1.

| what | measured | rounds | figure | bar | met | peers |
| --- | --- | --- | --- | --- | --- | --- |
"""

_TAIL = """
Peers are measured once each, after the rounds of their row, in an environment of their own; what they do not do is not in the
table.

`reports/bench.json`: `v` (1), `measured_at` (Unix seconds), `quick`, `rounds`, `python`, `cores`, `load`, and
`rows`: each with `name`, `what`, `how`, `rounds`, `unit` (`ratio` or `ms`), `value`, `bar`, `met`, `peers` (name to ratio)
and `sides` (name to the figures of each round: seconds, or bytes for memory); `growth`: each with `name`,
`title`, `by`, `x` (how much of it) and `sides` (name to CPU seconds at each x).
"""

_GROWTH = """
## How costs grow

CPU seconds of whole processes and their children (of a call, for the body's size), on logarithmic axes.
The first replay of a store that is new checks it whole.

"""


def write_page(report: dict[str, Any], path: Path) -> None:
    """Write the page of a report."""
    lines = [_HEAD.format(**report)]
    for row in report["rows"]:
        unit = " ms" if row["unit"] == "ms" else ""
        peers = ", ".join(f"{name} {value:.2f}" for name, value in row["peers"].items())
        bar = "" if row["bar"] is None else f"≤ {row['bar']:.2g}{unit}"
        met = "yes" if row["met"] else "**no**"
        what = row["what"].replace("|", "\\|")
        lines.append(
            f"| {what} | {row['how']} | {row['rounds']} | {row['value']:.2f}{unit} | {bar} | {met} | {peers} |\n"
        )
    lines.append(_TAIL)
    if report["growth"]:
        lines.append(_GROWTH)
    for growth in report["growth"]:
        title = f"{growth['title']}, by {growth['by']}"
        lines.append(f"![{title}](../images/{growth['name']}.svg)\n\n{_table(growth)}\n")
    path.write_text("".join(lines).rstrip() + "\n", encoding="utf-8")


def _table(growth: dict[str, Any]) -> str:
    """The picture's figures."""
    sides = growth["sides"]
    lines = [f"| {growth['by']} | {' | '.join(sides)} |\n", "| --- " * (len(sides) + 1) + "|\n"]
    for n, x in enumerate(growth["x"]):
        figures = " | ".join(f"{values[n]:.3g} s" for values in sides.values())
        lines.append(f"| {x:,} | {figures} |\n")
    return "".join(lines)
