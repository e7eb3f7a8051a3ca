"""A program, recorded against an origin and replayed strictly with the origin gone."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING

from tests.support.cli import recordbake
from tests.support.origin import Origin

if TYPE_CHECKING:
    from pathlib import Path

CAPTURE = {"RECORDBAKE_CAPTURE_LOOPBACK": "1"}


def record_and_replay(where: Path, code: str, *, complete: bool = True, origin=Origin) -> str:
    """What the program printed, which is the same both times.

    It finds the origin in ``ORIGIN``, and in ``MODE`` whether it is the ``record`` or ``replay``.

    Args:
        where: an empty directory.
        code: the program.
        complete: whether every request is answered well while recording.
        origin: the server's class.
    """
    path = where / "program.py"
    path.write_text(textwrap.dedent(code))
    options = [] if complete else ["--allow-errors"]
    with origin() as server:
        env = CAPTURE | {"ORIGIN": server.url}
        command = [sys.executable, "-W", "error", str(path)]
        recorded = recordbake(
            "record", *options, "--", *command, cwd=where, env=env | {"MODE": "record"}
        )
    assert recorded.returncode == 0, recorded.stderr
    assert "Traceback" not in recorded.stderr
    replayed = recordbake(
        "replay",
        "--strict",
        "--",
        *command,
        cwd=where,
        env=env | {"MODE": "replay"},
        timeout=120,
    )
    assert replayed.returncode == 0, replayed.stderr
    assert "Traceback" not in replayed.stderr
    assert replayed.stdout == recorded.stdout
    return recorded.stdout


def events(where: Path, mode: str) -> list[dict]:
    """The journal of the one run in this mode."""
    (journal,) = where.glob(f".recordbake/runs/*-{mode}-*/http_log.ndjson")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def requests(where: Path, mode: str) -> list[dict]:
    """Its events of requests."""
    return [event for event in events(where, mode) if event["event"] == "request"]
