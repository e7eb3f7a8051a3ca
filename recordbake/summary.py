"""What a run's end says on standard error: short, and what to do next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.console import BAD, GOOD, WARNING, note
from recordbake.errors import EXIT_INTERRUPTED, remedy

if TYPE_CHECKING:
    from recordbake.recording import Run
    from recordbake.run_info import RunInfo
    from recordbake.run_summary import Summary

SHOWN = 10


def show(info: RunInfo, found: Summary, run: Run) -> None:
    """The summary of a run that has ended; when quiet, what made it fail."""
    counts = found.counts
    kinds = ("hit", "stored", "forwarded", "blocked", "failed", "bypass")
    parts = [f"{counts[kind]} {kind}" for kind in kinds if counts[kind]] or ["none"]
    note(
        f"{info.mode}: {counts['requests']} requests ({', '.join(parts)}), "
        f"{counts['tests']} tests, {counts['processes']} processes, barrier: {info.barrier}"
    )
    _not_live(found.not_live)
    _misses(found.misses)
    _leaks(found.leaks)
    for gap in found.gaps[:SHOWN]:
        _gap(gap)
    _programs(found.programs, info.barrier)
    if not counts["processes"] and info.exit_code != EXIT_INTERRUPTED:
        _failed("no hooked Python process was started: nothing was captured")
    for damage in found.damage[:SHOWN]:
        _failed(f"damaged: {damage.get('message')}")
    if info.lost:
        errors = sorted({str(loss.get("error")) for loss in found.losses})
        todo = ", ".join(dict.fromkeys(map(remedy, errors))) or "free space"
        why = ", ".join(errors) or "disk full?"
        _failed(f"answers or journal lines could not be written ({why}): {todo} and run again")
    _incomplete(info.incomplete)
    own = info.command_exit_code
    reasons = ["interrupted"] if info.exit_code == EXIT_INTERRUPTED else []
    reasons += [f"the command's own: {own}"] if own not in (info.exit_code, 0) else []
    because = f" ({', '.join(reasons)})" if reasons else ""
    note(
        f"exit {info.exit_code}{because}; journal: {run.journal}",
        BAD if info.exit_code else GOOD,
        failed=info.exit_code not in (0, own),
    )


def write_json(where: str, info: RunInfo, found: Summary, run: Run) -> None:
    """The summary for machines: ``run.json`` with what it counts (docs/reference/formats.md).

    Args:
        where: a file, or ``-`` for standard output.
        info: the run.
        found: what its journal says.
        run: where its journal is.

    Raises:
        OSError: it cannot be written.
    """
    document = vars(info) | {
        "misses": found.misses,
        "leaks": found.leaks,
        "gaps": found.gaps,
        "damage": found.damage,
        "journal": str(run.journal),
    }
    text = json.dumps(document, indent=1) + "\n"
    if where == "-":
        print(text, end="", flush=True)
    else:
        Path(where).write_text(text, encoding="utf-8")


def _not_live(tests: list[str]) -> None:
    if tests:
        more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
        note(
            f"skipped, being marked to go live: {', '.join(tests[:SHOWN])}{more}"
            " (allow_live_tests lets them)",
            WARNING,
        )


def _failed(text: str) -> None:
    note(text, BAD, failed=True)


def _programs(programs: list[dict[str, Any]], barrier: str) -> None:
    """What is in another language, so that nothing of it is captured."""
    names = sorted({str(event.get("executable")).rpartition("/")[2] for event in programs})
    if names:
        held = f"; held by {barrier}" if barrier in {"seccomp", "namespace"} else ""
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        note(f"not captured{held}: programs in other languages: {', '.join(names[:SHOWN])}{more}")


def _gap(gap: dict[str, Any]) -> None:
    if "client" not in gap:
        _failed(f"not hooked: {gap.get('executable')}: {gap.get('reason')}")
    elif gap.get("hooked"):
        _failed(f"not supported: {gap.get('reason')} (untested_clients accepts it)")
    else:
        _failed(f"not hooked: {gap.get('reason')}; install a release that recordbake supports")


def _misses(misses: list[dict[str, Any]]) -> None:
    """Each missed request once, with its explanation where it was blocked."""
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in misses:
        grouped.setdefault((str(event.get("method")), str(event.get("url"))), []).append(event)
    for (method, url), events in list(grouped.items())[:SHOWN]:
        first = events[0]
        text = first.get("message") or (
            f"live miss: {method} {url} (test: {first.get('test') or 'none known'})"
        )
        blocked = first.get("outcome") == "blocked"
        note(text + _repeated(events), BAD if blocked else WARNING, failed=blocked)
    if len(grouped) > SHOWN:
        note(f"and {len(grouped) - SHOWN} more missed URLs; the journal has them all")


def _repeated(events: list[dict[str, Any]]) -> str:
    """How often a request was missed, and by which other tests."""
    if len(events) == 1:
        return ""
    tests = dict.fromkeys(str(event.get("test") or "none known") for event in events)
    others = [test for test in tests if test != str(events[0].get("test") or "none known")]
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    also = f", also by {', '.join(others[:SHOWN])}{more}" if others else ""
    return f"\n  times:   {len(events)}{also}"


def _leaks(leaks: list[dict[str, Any]]) -> None:
    """Each connection that no client explains once, with who made it."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for leak in leaks:
        port = "" if leak.get("port") is None else f":{leak['port']}"
        by = f" by {leak['process']}" if leak.get("process") else ""
        what = "was blocked" if leak.get("blocked") else "went out"
        text = f"leak: {leak.get('what')} of {leak.get('host')}{port}{by} {what}"
        grouped.setdefault(f"{text} (test: {leak.get('test') or 'none known'})", []).append(leak)
    for text, group in list(grouped.items())[:SHOWN]:
        blocked = bool(group[0].get("blocked"))
        times = f", {len(group)} times" if len(group) > 1 else ""
        note(text + times, BAD if blocked else WARNING, failed=blocked)
    if len(grouped) > SHOWN:
        note(f"and {len(grouped) - SHOWN} more leaks; the journal has them all")


def _incomplete(requests: list[dict[str, Any]]) -> None:
    for request in requests[:SHOWN]:
        _failed(
            f"incomplete: {request['method']} {request['url']} was answered only by "
            f"{request['reason']} (test: {request['test'] or 'none known'})"
        )
    if requests:
        _failed(
            f"the recording is incomplete ({len(requests)} requests): record again, or set "
            "allow_errors if these answers are meant"
        )
