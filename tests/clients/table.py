"""The contract as a table: ``python -m tests.clients.table`` runs it and writes the page.

A cell is only ever what a run has shown: ``pass`` where recording and strict replay looked like
live, ``FAIL`` where they did not, a number where the client cannot do what is asked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES, GROUPS
from tests.clients.run import run_client
from tests.support.cli import ROOT

PAGE = ROOT / "docs" / "reference" / "contract.md"
_INTRODUCTION = """# The contract that every client passes

Written by `python -m tests.clients.table` from a run; `pytest tests/clients` holds it.

Each cell compares what a caller sees of a client live, while recording, and in a strict replay
with the servers gone: status, reason, version, header fields with order and case, body, pieces,
final URL, history, cookies, encoding, what a second reading gives; of an exception its classes,
causes, texts and arguments. `pass`: no difference. A number: not supported by this client, for
the reason below the tables. `tests/clients/features.py` tells what each feature asks for.
"""


def cell(feature: str, outcomes: dict, reasons: list[str]) -> str:
    """What a client's run has shown of a feature; ``reasons`` collects why it cannot."""
    live = outcomes["live"][feature]
    if outcomes["recorded"][feature] != live or outcomes["replayed"][feature] != live:
        return "FAIL"
    if "cannot" not in live:
        return "pass"
    if live["cannot"] not in reasons:
        reasons.append(live["cannot"])
    return str(reasons.index(live["cannot"]) + 1)


def render(runs: dict[str, dict]) -> str:
    """The page.

    Args:
        runs: client to what :func:`run_client` returned.
    """
    reasons: list[str] = []
    lines = [_INTRODUCTION]
    for group, features in GROUPS.items():
        lines.append(
            f"## {group}\n\n| feature | {' | '.join(runs)} |\n|{' --- |' * (len(runs) + 1)}"
        )
        for feature in features:
            cells = [cell(feature, outcomes, reasons) for outcomes in runs.values()]
            lines.append(f"| {feature} | {' | '.join(cells)} |")
        lines.append("")
    lines.append("## Not supported by this client\n")
    lines += [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join(lines) + "\n"


def cells(page: str) -> dict[tuple[str, str], str]:
    """A page's cells by client and feature."""
    found: dict[tuple[str, str], str] = {}
    clients: list[str] = []
    for line in page.splitlines():
        name, *values = [part.strip() for part in line.strip("|").split("|")]
        if name == "feature":
            clients = values
        elif line.startswith("|") and "---" not in line:
            found |= {(client, name): value for client, value in zip(clients, values, strict=True)}
    return found


def main() -> None:
    runs = {}
    for client in sorted(CLIENTS):
        with tempfile.TemporaryDirectory() as where:
            runs[client] = run_client(client, Path(where))
        print(client, len(FEATURES))
    PAGE.write_text(render(runs))


if __name__ == "__main__":
    main()
