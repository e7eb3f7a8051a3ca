"""``recordbake audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.recording import Recording

if TYPE_CHECKING:
    import argparse

HELP = "report misses, sizes and stale entries, and say what to re-record"
OPTIONS = ("recording", "runs_dir", "reports", "stale_after_days")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--out", dest="reports", metavar="DIR", help="the same as --reports")
    parser.add_argument("--format", default="html,json,markdown", help="html,json,markdown")
    parser.add_argument("--fail-on", default="", metavar="KINDS", help="findings that exit with 13")


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from recordbake import store
    from recordbake.audit import audit
    from recordbake.runs import recover, writable_runs_dir

    found = options.load(arguments, OPTIONS, reads=True)
    recording = Recording(found.recording_path, found.runs_dir)
    recover(writable_runs_dir(recording))
    store.settle(recording.store)
    result = audit(
        recording,
        found.root / found.reports,
        formats=tuple(part for part in arguments.format.split(",") if part),
        stale_after_days=found.stale_after_days,
        fail_on=frozenset(part for part in arguments.fail_on.split(",") if part),
    )
    print(result.verdict.sentence)
    if result.verdict.command:
        print(f"  {result.verdict.command}")
    for path in result.paths:
        print(path)
    return result.exit_code
