"""Reads what runs left behind and says whether the recording is good, and what to run if not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from recordbake.errors import EXIT_FAIL_ON, EXIT_OK, DamagedError, UsageError
from recordbake.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from recordbake.audit.compare import Comparison
    from recordbake.audit.findings import Finding, Limits, Upstream
    from recordbake.audit.load import Loaded
    from recordbake.audit.remote import RemoteRun, Spread
    from recordbake.audit.verdict import Verdict

_DEFAULT_RECORDING = ".recordbake"


@dataclass(frozen=True)
class AuditResult:
    """What an audit found.

    Args:
        findings: all findings, worst kind first.
        verdict: the decision with its command.
        exit_code: 0, or 13 if there is a finding of a kind that ``fail_on`` names.
        paths: the files written.
    """

    findings: list[Finding]
    verdict: Verdict
    exit_code: int
    paths: list[Path]


def audit(  # noqa: PLR0913
    recording: Recording | Sequence[Recording],
    out: Path,
    *,
    formats: tuple[str, ...] = ("html", "json", "markdown"),
    stale_after_days: float = 30,
    limits: Limits | None = None,
    known: Upstream | None = None,
    compare_with: tuple[str, Recording] | None = None,
    journals: Sequence[RemoteRun] = (),
    spread: Spread | None = None,
    now: float | None = None,
    fail_on: frozenset[str] = frozenset(),
) -> AuditResult:
    """Audit a recording and write the report.

    Args:
        recording: the recording or unpacked bake, or several, such as the shards of a run of CI,
            that are judged as one; the first is the one to record into.
        out: directory for ``audit.html``, ``audit.json``, ``audit.md`` and ``history.ndjson``.
        formats: which of ``html``, ``json`` and ``markdown`` to write.
        stale_after_days: age in days from which an entry is stale.
        limits: sizes that are worth a finding.
        known: what is known from outside the recording.
        compare_with: name and place of another recording or unpacked bake.
        journals: runs whose journals are counted where they are.
        spread: has shares of them counted by others: the ``map`` of an executor.
        now: the present, Unix seconds (UTC); the clock's time when None.
        fail_on: kinds of findings that make the exit code 13.

    Raises:
        UsageError: a format or kind does not exist, or the report cannot be written.
        DamagedError: the recording is missing, or store or journal cannot be read.
    """
    # pandas and Jinja2 take half a second to import: only who audits pays for it.
    from recordbake.audit import facts, figures, history, report, summary
    from recordbake.audit import findings as finding
    from recordbake.audit.load import load
    from recordbake.audit.verdict import judge

    _check_known("format", formats, report.FILES)
    _check_known("kind of finding", sorted(fail_on), finding.KINDS)
    now = time.time() if now is None else now
    recordings = [recording] if isinstance(recording, Recording) else list(recording)
    loaded = load(*recordings, journals=journals, spread=spread)
    found = finding.find(
        loaded, stale_after_days=stale_after_days, now=now,
        limits=limits or finding.Limits(), known=known or finding.Upstream(),
    )  # fmt: skip
    document = _shown(out / report.FILES["json"]) if "json" in formats else ""
    verdict = judge(found, facts.of(loaded, _options(recordings[0]), document))
    past = history.before(history.read(out / history.NAME), figures.judged_runs(loaded.runs))
    shown = figures.figures(loaded, found, stale_after_days, past)
    trend = [*past, figures.audited(finding.iso(now) or "", shown, loaded.runs)]
    paths = report.write(
        summary.Summary(
            generated_at=finding.iso(now) or "",
            verdict=verdict,
            figures=shown,
            findings=found,
            hosts=summary.hosts(loaded.entries),
            entries=summary.described(loaded.entries, found),
            ages=summary.ages(loaded.entries, now),
            hub=loaded.hub,
            runs=summary.history(loaded),
            trend=trend,
            comparison=None if compare_with is None else _compared(loaded, *compare_with),
        ),
        out,
        formats,
    )
    report.write_whole(out / history.NAME, history.to_text(trend))
    failed = any(f.kind in fail_on for f in found)
    return AuditResult(found, verdict, EXIT_FAIL_ON if failed else EXIT_OK, paths)


def _compared(loaded: Loaded, name: str, other: Recording) -> Comparison:
    from recordbake.audit.compare import compare
    from recordbake.audit.load import load_entries

    if not other.store.is_file():
        raise DamagedError(
            "there is no store to compare with",
            where=other.store,
            next_step="name a recording or a bake: recordbake audit --compare OTHER",
        )
    return compare(name, load_entries(other.store), loaded.entries)


def _check_known(what: str, names: Iterable[str], known: Mapping[str, str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.0)
            raise UsageError(
                f"there is no {what} {name!r}; the nearest is {close[0]!r}",
                where="--format" if what == "format" else "--fail-on",
                next_step=f"choose from {', '.join(known)}",
            )


def _options(recording: Recording) -> tuple[str, ...]:
    """``--recording`` for the verdict's command, unless the recording is the default one.

    A bake is never recorded into, so its directory is not named.
    """
    path = recording.path.resolve()
    if recording.manifest.exists() or path == Path(_DEFAULT_RECORDING).resolve():
        return ()
    return ("--recording", _shown(path))


def _shown(path: Path) -> str:
    """A path as a command that is run here names it."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
