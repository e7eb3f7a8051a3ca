"""``recordbake audit``."""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from recordbake.commands import options
from recordbake.console import note, say
from recordbake.errors import DamagedError
from recordbake.recording import Recording
from recordbake.scanning import DIGEST_LENGTH

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from recordbake.audit.findings import Upstream
    from recordbake.audit.remote import Spread

HELP = "report misses, sizes and stale entries, and say what to re-record"
OPTIONS = (
    "recording", "runs_dir", "reports", "stale_after_days", "oversized_mb", "growth_percent",
    "revalidate_rate",
)  # fmt: skip
EXITS = ("0", "2", "12", "13")
DETAILS = """\
`SOURCE` and `OTHER` are directories of a recording, a bake or an unpacked bake, or the URL of one
that [fsspec](https://filesystem-spec.readthedocs.io/) reads (`s3://`, `gs://`...), which is
fetched first. A `SOURCE` may also be a directory of runs, the directory of one run, or a journal,
as jobs of CI keep them.

Several sources are judged as one: the latest replay and the latest recording run of each, and what
else belongs to the same run of CI (`ci_run` in [run.json](formats.md#runjson)). So
`recordbake audit bake/ shard-*/` is the picture of a suite that was replayed in shards.

`--revalidate` sends one conditional request (RFC 9110 section 13) for each GET that was answered
200 with an ETag or Last-Modified, without credentials and without reading bodies, and asks the
Hub where the branches and tags of the Hub cache point to, each host `revalidate_rate` times a
second. It is interrupted and started again at will: answers are noted in `revalidation.ndjson`
beside the report and hold for a day.
"""
EXAMPLES = """\
recordbake audit
recordbake audit --fail-on live-miss,leak
recordbake audit bake/ shard-*/
recordbake audit bake/ --journals 's3://bucket/*/runs/*/http_log.ndjson'
recordbake audit --compare s3://bucket/bake
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    parser.add_argument("--out", dest="reports", metavar="DIR", help="the same as --reports")
    parser.add_argument(
        "sources", nargs="*", metavar="SOURCE",
        help="recordings, bakes or journals, or their URLs, instead of --recording",
    )  # fmt: skip
    parser.add_argument(
        "--journals", metavar="PATTERN",
        help="journals to count where they are, with DuckDB: s3://bucket/*/runs/*/http_log.ndjson",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=_number, default=1, metavar="N",
        help="processes that count --journals, each with a DuckDB of its own (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--compare", metavar="OTHER", help="say what changed since another recording or bake"
    )
    parser.add_argument(
        "--allow-secret", action="append", default=[], metavar="DIGEST",
        help="a secret that is none, by the digest it was reported with",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print audit.json, too")
    parser.add_argument(
        "--format",
        default="html,json,markdown",
        metavar="A,B",
        help="what to write, of html, json and markdown (default: all)",
    )
    parser.add_argument("--fail-on", default="", metavar="KINDS", help="findings that exit with 13")
    parser.add_argument(
        "--revalidate", action="store_true", help="ask the origins whether entries still hold"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    with ExitStack() as stack:
        # Nearly all that an audit makes is needed to its end: who looks for rubbish finds none.
        if gc.isenabled():
            gc.disable()
            stack.callback(gc.enable)
        return _run(arguments, stack)


def _run(arguments: argparse.Namespace, stack: ExitStack) -> int:
    from recordbake import store
    from recordbake.audit import audit
    from recordbake.audit.findings import Limits
    from recordbake.audit.remote import find_runs
    from recordbake.runs import recover, writable_runs_dir
    from recordbake.sources import opened

    found = options.load(arguments, OPTIONS, reads=True)
    recordings = [_with_runs(opened(source, stack), found.runs_dir)
                  for source in arguments.sources]  # fmt: skip
    recordings = recordings or [Recording(found.recording_path, found.runs_dir)]
    for recording in recordings:
        if recording.path.is_dir():  # otherwise the audit says that there is none
            recover(writable_runs_dir(recording))
        store.settle(recording.store)
    reports = found.root / found.reports
    formats = [part for part in arguments.format.split(",") if part]
    result = audit(
        recordings,
        reports,
        formats=(*formats, "json") if arguments.json else tuple(formats),
        stale_after_days=found.stale_after_days,
        limits=Limits(
            found.oversized_mb * 1e6, found.growth_percent, _accepted(arguments.allow_secret)
        ),
        known=_known(recordings, reports, found.revalidate_rate if arguments.revalidate else 0),
        compare_with=(arguments.compare, opened(arguments.compare, stack))
        if arguments.compare
        else None,
        journals=find_runs(arguments.journals) if arguments.journals else (),
        spread=_workers(arguments.workers, stack) if arguments.workers > 1 else None,
        fail_on=frozenset(part for part in arguments.fail_on.split(",") if part),
    )
    if arguments.json:
        print((reports / "audit.json").read_text(encoding="utf-8"), end="")
        return result.exit_code
    say(result.verdict.sentence)
    for command in (result.verdict.command, *result.verdict.then):
        say(f"  {command}")
    for path in result.paths:
        say(str(path))
    return result.exit_code


def _number(text: str) -> int:
    """A number of processes, from 1.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _workers(number: int, stack: ExitStack) -> Spread:
    """Processes of their own: fsspec reads in Python, and DuckDB has threads."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"))
    return stack.enter_context(pool).map


def _with_runs(recording: Recording, runs_dir: Path | None) -> Recording:
    """A source that holds no runs is judged by those in the directory of the settings."""
    return recording if recording.runs_dir.is_dir() else recording._replace(runs_path=runs_dir)


def _accepted(digests: Sequence[str]) -> frozenset[str]:
    return frozenset(digest.removeprefix("sha256:")[:DIGEST_LENGTH] for digest in digests)


def _known(recordings: Sequence[Recording], reports: Path, rate: float) -> Upstream:
    """What is known from outside the recordings; origins are asked if ``rate`` is not 0."""
    from recordbake.audit.findings import Upstream

    baked = _baked(recordings[0])
    if not rate:
        return Upstream(baked)
    from recordbake.audit.entries import load_entries, united
    from recordbake.audit.revalidate import questions, revalidate
    from recordbake.audit.revisions import moved_revisions

    entries, _ = united([load_entries(recording.store) for recording in recordings])
    asked, notes = questions(entries), reports / "revalidation.ndjson"
    answers = revalidate(asked, notes, per_second=rate)
    states = Counter(answer.state for answer in answers.values())
    note(
        f"revalidated {len(asked)} entries with an ETag or Last-Modified: "
        + ", ".join(f"{states[state]} {state}" for state in ("fresh", "changed", "unknown"))
    )
    caches = [recording.hf_cache / "hub" for recording in recordings]
    return Upstream(baked, answers, moved_revisions(caches, notes, per_second=rate))


def _baked(recording: Recording) -> dict[str, int] | None:
    """Counts of the recording's own bake; None where there is none that can be read."""
    if recording.manifest.exists() or not recording.bake_dir.is_dir():
        return None
    from recordbake.bake import manifest

    path = recording.bake_dir / manifest.MANIFEST_NAME
    if not path.is_file():
        return None
    try:
        found = manifest.load(path)
    except DamagedError:
        return None  # `recordbake verify` says so
    pruned = any(item.path.startswith("http_cache: ") for item in found.left_out)
    return None if pruned else found.store  # a pruned bake is smaller on purpose
