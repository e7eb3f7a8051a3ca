"""The exit code of a run that has ended (docs/reference/exit-codes.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recordbake.errors import (
    EXIT_DAMAGED,
    EXIT_INCOMPLETE,
    EXIT_INTERRUPTED,
    EXIT_LIVE_MISS,
    EXIT_OK,
)
from recordbake.guest.config import RECORD, STRICT

if TYPE_CHECKING:
    from recordbake.run_info import RunInfo
    from recordbake.run_summary import Summary
    from recordbake.settings import Settings


def exit_code(
    info: RunInfo, found: Summary, settings: Settings, *, interrupted: bool, held: bool
) -> int:
    """The exit code; damage and misses come before the failure that they are a cause of.

    Args:
        info: the run, complete but for this.
        found: what its journal says.
        settings: what was accepted beforehand.
        interrupted: the terminal's Ctrl-C came.
        held: a kernel barrier stood around all processes.
    """
    strict = info.mode == STRICT
    if interrupted and info.command_exit_code:
        return EXIT_INTERRUPTED
    if found.damage:
        return EXIT_DAMAGED
    if strict and (found.misses or found.leaks):
        return EXIT_LIVE_MISS
    if info.command_exit_code:
        return info.command_exit_code
    if strict and (_gaps(found, settings, held=held) or not found.counts["processes"]):
        return EXIT_LIVE_MISS
    bad_answers = info.incomplete and not settings.allow_errors
    unhooked = any(gap.get("hooked") is False for gap in found.gaps)
    incomplete = info.mode == RECORD and (bad_answers or unhooked)
    return EXIT_INCOMPLETE if incomplete or info.lost else EXIT_OK


def _gaps(found: Summary, settings: Settings, *, held: bool) -> list[dict[str, Any]]:
    """What was neither hooked nor held, or not known and not accepted by configuration."""
    if settings.untested_clients:
        gaps = [gap for gap in found.gaps if not gap.get("hooked")]
    else:
        gaps = found.gaps
    # A process that was not hooked could not get out of a kernel barrier either.
    return [gap for gap in gaps if not held or gap.get("client")]
