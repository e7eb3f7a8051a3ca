"""What a run tells GitHub Actions: annotations at the tests concerned, and a job summary.

Source: GitHub documentation, "Workflow commands for GitHub Actions" (setting an error message,
adding a job summary).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordbake.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from recordbake.run_info import RunInfo
    from recordbake.run_summary import Summary

#: GitHub shows ten errors and ten warnings of a step.
_ANNOTATIONS = 10
#: Misses that the summary explains; GitHub takes 1 MiB of it.
_EXPLAINED = 50
_COUNTED = ("hit", "stored", "forwarded", "blocked", "failed", "bypass")

Event = dict[str, "Any"]


def tell(info: RunInfo, found: Summary, environ: Mapping[str, str] | None = None) -> None:
    """Annotate and summarise, if this runs on GitHub Actions.

    Workflow commands are understood on either stream; standard output belongs to the command.

    Args:
        info: the run.
        found: what its journal says.
        environ: the environment (default: this process's).
    """
    environ = os.environ if environ is None else environ
    if environ.get("GITHUB_ACTIONS") != "true":
        return
    sys.stderr.writelines(workflow_commands(found, environ.get("GITHUB_WORKSPACE")))
    sys.stderr.flush()
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(job_summary(info, found))
    except OSError as error:
        sys.stderr.write(f"recordbake: the job summary cannot be written: {error}\n")


def _data(text: str) -> str:
    """A command's message (``@actions/core``: ``escapeData``)."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(text).replace("##[", "#\\#[")  # an older kind of command


def _property(text: str) -> str:
    """A command's property (``@actions/core``: ``escapeProperty``)."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def workflow_commands(found: Summary, workspace: str | None) -> Iterator[str]:
    """A workflow command for each miss and leak, with the place of its test.

    Args:
        found: what the journal says.
        workspace: the repository's directory, which paths are relative to.
    """
    told: dict[str, int] = {}
    seen = set()
    for event in [*found.misses, *found.leaks]:
        level = "error" if _is_blocked(event) else "warning"
        identity = (event.get("test"), _title(event))
        if identity in seen or told.get(level, 0) >= _ANNOTATIONS:
            continue
        seen.add(identity)
        told[level] = told.get(level, 0) + 1
        place = found.places.get(str(event.get("test")))
        where = _place(place[0], place[1], workspace) if place else ""
        title = _property(f"recordbake: {_title(event)}")
        yield f"::{level} {where}title={title}::{_data(_message(event))}\n"


def _place(path: str, line: int | None, workspace: str | None) -> str:
    if workspace and Path(path).is_relative_to(workspace):
        path = str(Path(path).relative_to(workspace))
    return f"file={_property(path)}," + (f"line={line}," if type(line) is int else "")


def _is_blocked(event: Event) -> bool:
    return event.get("outcome") == "blocked" or event.get("blocked") is True


def _title(event: Event) -> str:
    if event.get("event") == "leak":
        return f"leak: {event.get('what')} of {event.get('host')}:{event.get('port')}"
    return f"live miss: {event.get('method')} {event.get('url')}"


def _message(event: Event) -> str:
    return str(
        event.get("message") or f"{_title(event)}\n  test: {event.get('test') or 'none known'}"
    )


def job_summary(info: RunInfo, found: Summary) -> str:
    """Markdown for the job's page."""
    counts = found.counts
    shown = [kind for kind in _COUNTED if counts[kind]]
    lines = [f"### recordbake {info.mode}: exit {info.exit_code}", ""]
    lines.append(f"| {' | '.join(['requests', *shown, 'leaks', 'tests'])} |")
    lines.append(f"|{' ---: |' * (len(shown) + 3)}")
    numbers = [
        counts["requests"],
        *(counts[kind] for kind in shown),
        counts["leaks"],
        counts["tests"],
    ]
    lines += [f"| {' | '.join(map(str, numbers))} |", ""]
    if info.mode == "replay_strict":
        lines += [f"Barrier: {info.barrier}.", ""]
    texts = dict.fromkeys(_message(event) for event in [*found.misses, *found.leaks])
    for text in list(texts)[:_EXPLAINED]:
        lines += [*_fenced(text), ""]
    if len(texts) > _EXPLAINED:
        lines += [f"And {len(texts) - _EXPLAINED} more; the journal has them all.", ""]
    return "\n".join(lines) + "\n"


def _fenced(text: str) -> list[str]:
    """A code block that nothing in the text can end (CommonMark, section 4.5)."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence]
