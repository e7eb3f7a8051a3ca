"""What shows a finding, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recordbake.audit.page import size

if TYPE_CHECKING:
    from collections.abc import Callable

    from recordbake.audit.findings import Finding

Evidence = dict[str, "Any"]

#: Units of an age, each in seconds.
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60))


def why(finding: Finding) -> str:
    """What shows it; empty where its subject says it all."""
    written = _WORDS.get(finding.kind)
    return written(finding.evidence) if written else ""


def _leak(e: Evidence) -> str:
    return "it was refused" if e["blocked"] else "it went out"


def _error(e: Evidence) -> str:
    before = e["used_to_be"]
    return f"it used to be {before}" if before else "recorded once; a second time confirms it"


def _origin(e: Evidence) -> str:
    age = _age(e["age_seconds"])
    return f"{e['cache_control'] or 'Expires'}, recorded {age} ago; {e['revalidation']}"


def _age(seconds: float) -> str:
    unit, length = next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])
    return f"{seconds / length:,.1f} {unit}"


def _upstream(e: Evidence) -> str:
    if "why" in e:
        return str(e["why"])
    return f"it was at {e['recorded_commit'][:12]}, and is at {e['commit'][:12]}"


def _volatile(e: Evidence) -> str:
    fields = f": {', '.join(e['fields'])}" if e["fields"] else ""
    return f"{len(e['takes']):,} takes differ in {e['differs']}{fields}"


def _duplicate(e: Evidence) -> str:
    return f"{size(e['wasted_bytes'])} could be saved: {', '.join(e['urls'][:5])}"


def _growth(e: Evidence) -> str:
    before, now = size(e["body_bytes_baked"]), size(e["body_bytes"])
    return f"{e['entries_baked']:,} to {e['entries']:,} entries, {before} to {now}"


_WORDS: dict[str, Callable[[Evidence], str]] = {
    "leak": _leak,
    "incomplete": lambda e: ", ".join(e["reasons"]),
    "damaged-entry": lambda e: "\n".join(e["messages"]),
    "secret": lambda e: f"{e['what']} ({e['digest']})",
    "suspicious-200": lambda e: f"{e['why']} ({e['content_type'] or 'no type'})",
    "error-kept": _error,
    "stale-origin": _origin,
    "stale-upstream": _upstream,
    "volatile": _volatile,
    "oversized": lambda e: size(e["bytes"]),
    "duplicate-body": _duplicate,
    "growth": _growth,
    "damaged-journal": lambda e: (
        f"{e['damaged_lines']:,} damaged lines"
        + (", and run.json" if e["damaged_run_json"] else "")
    ),
}
