"""``recordbake record``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

HELP = "run a command online and keep every HTTP exchange"
OPTIONS = (*options.RUN, "progress", "quiet", "retry_statuses", "retry_max_wait", "allow_errors")
EXITS = ("0", "N", "2", "11", "12", "130")
DETAILS = """\
What follows `--` is run with every Python process in it hooked. What it asked the network for is
kept in the recording, with the Hub's caches, when it ends; a run that was killed is picked up by
the next command.

`--from-audit` does what the verdict of `audit.json` says and nothing else: nothing for `keep`; a
whole recording for `re-record all`; otherwise the entries that it names are fetched although the
recording has them, what is missing is fetched as with `--missing`, and all else is answered from
the recording. Where the command is pytest, the tests that do not ask for any of it are
deselected. A redirect that leads elsewhere now is followed, and what it leads to is kept.
"""
EXAMPLES = """\
recordbake record -- pytest -q
recordbake record --missing -- pytest tests/test_items.py
recordbake record --from-audit reports/audit.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.usage = f"{parser.prog} [options] -- COMMAND..."
    options.add_json_file(parser)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--missing", action="store_true", help="fetch only what the recording does not have"
    )
    chosen.add_argument(
        "--from-audit", metavar="FILE", type=Path, help="fetch only what an audit.json names"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake.runner import run_command

    found = options.load(arguments, OPTIONS)
    missing, refetch = arguments.missing, None
    if arguments.from_audit is not None:
        from recordbake import from_audit
        from recordbake.console import note

        decision, refetch = from_audit.read(arguments.from_audit)
        _drop(found.recording_path, refetch.drop)
        if decision == from_audit.KEEP:
            note("the audit keeps the recording: nothing to record")
            return EXIT_OK
        if decision == from_audit.ALL:
            refetch = None
        missing = refetch is not None
    return run_command(
        found,
        "record",
        arguments.command,
        missing=missing,
        refetch=refetch,
        json_to=arguments.json,
    )


def _drop(recording: Path, names: Sequence[tuple[str, int]]) -> None:
    """Drop what an audit found needless; the run records what is asked for after all."""
    from recordbake.console import note
    from recordbake.dropping import drop_entries
    from recordbake.recording import Recording

    dropped = drop_entries(Recording(recording), names)
    if dropped:
        note(f"{dropped} unused {'entry' if dropped == 1 else 'entries'} dropped")
