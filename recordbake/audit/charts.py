"""The pictures of a report; what each shows is also said in words. Nothing is read here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pygal

from recordbake.audit.findings import LIVE_MISSES
from recordbake.audit.page import size, visible
from recordbake.audit.svg import Chart, finished, new

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordbake.audit.summary import RunRow, Summary

_MOST_RUNS, _MOST_AREAS, _MOST_MODULES = 30, 20, 12
_MOST_LABELS = 4  # of times: more would touch each other
_LONGEST_LABEL = 26
_HUB = "Hub: "


def build(summary: Summary) -> tuple[Chart, ...]:
    """The pictures for which there is something to show."""
    made = (
        _runs(summary), _trend(summary), _sizes(summary), _ages(summary), _modules(summary)
    )  # fmt: skip
    return tuple(chart for chart in made if chart is not None)


def _runs(summary: Summary) -> Chart | None:
    runs = _together(summary.runs)[-_MOST_RUNS:]
    if not runs:
        return None
    chart = new(
        pygal.StackedBar, "runs", "var(--bar)", "var(--miss)", "var(--other)",
        legend_at_bottom_columns=3, **_OVER_TIME,
    )  # fmt: skip
    _label(chart, [started for started, _ in runs])
    hits = [outcomes["hit"] for _, outcomes in runs]
    misses = [sum(outcomes[o] for o in LIVE_MISSES) for _, outcomes in runs]
    rest = [o.total() - hit - miss for (_, o), hit, miss in zip(runs, hits, misses, strict=True)]
    for name, values in (("hit", hits), ("live miss", misses), ("other", rest)):
        chart.add(name, values)
    number = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    last = f"the latest had {hits[-1]:,} hits and {misses[-1]:,} live misses"
    return finished(chart, "Requests by run", f"{number}; {last}.")


#: Options of pictures whose axis is time.
_OVER_TIME: dict[str, Any] = {"legend_at_bottom": True, "show_minor_x_labels": False,
                              "margin_right": 36, "height": 250}  # fmt: skip


def _together(runs: list[RunRow]) -> list[tuple[str, Counter[str]]]:
    """Start and outcomes of runs with requests, those of one mode in one run of CI as one."""
    found: dict[tuple[str, str], tuple[str, Counter[str]]] = {}
    for run in runs:
        if run.requests:
            name = (run.ci_run or run.run, run.mode)
            found.setdefault(name, (run.started_at or run.run, Counter()))[1].update(run.outcomes)
    return list(found.values())


def _label(chart: Any, times: list[str]) -> None:
    """Days below the axis, or minutes where there are several in one, as many as fit."""
    several = len({time[:10] for time in times}) < len(times)
    chart.x_labels = [time[5 : 16 if several else 10].replace("T", " ") for time in times]
    every = -(-len(times) // _MOST_LABELS)
    last = len(times) - 1
    chart.x_labels_major = [
        label for n, label in enumerate(chart.x_labels) if (last - n) % every == 0
    ]


def _trend(summary: Summary) -> Chart | None:
    audits = summary.trend[-_MOST_RUNS:]
    if len(audits) < 2:  # noqa: PLR2004
        return None
    chart = new(
        pygal.StackedBar, "trend", "var(--bar)", "var(--other)", formatter=_size_of,
        legend_at_bottom_columns=2, **_OVER_TIME,
    )  # fmt: skip
    _label(chart, [audited.at for audited in audits])
    chart.add("HTTP", [audited.http_bytes for audited in audits])
    chart.add("Hub", [audited.hub_bytes for audited in audits])
    first, last = size(audits[0].cache_bytes), size(audits[-1].cache_bytes)
    return finished(chart, "Cache size by audit", f"{len(audits)} audits; {first} to {last}.")


def _size_of(number: float) -> str:
    return size(round(number))


def _sizes(summary: Summary) -> Chart | None:
    areas = [(host.host or "(no host)", host.bytes) for host in summary.hosts]
    areas += [(_HUB + repo.repo_id, repo.size) for repo in summary.hub]
    areas = sorted(((n, b) for n, b in areas if b), key=lambda area: (-area[1], area[0]))
    if not areas:
        return None
    shown = areas[:_MOST_AREAS]
    if others := sum(number for _, number in areas[_MOST_AREAS:]):
        shown.append((f"{len(areas) - _MOST_AREAS:,} more", others))
    colors = ["var(--other)" if name.startswith(_HUB) else "var(--bar)" for name, _ in shown]
    chart = new(
        pygal.Treemap, "sizes", *colors, print_labels=True, show_legend=False, height=250,
        formatter=size,
    )  # fmt: skip
    for name, number in shown:
        chart.add(_short(name), [{"value": number, "label": f"{_short(name)} {size(number)}"}])
    largest = "; ".join(f"{visible(name)} {size(number)}" for name, number in shown[:5])
    return finished(chart, "Cache size by host and repository", f"Largest first: {largest}.")


def _ages(summary: Summary) -> Chart | None:
    if not any(age.entries for age in summary.ages):
        return None
    chart = new(pygal.Bar, "ages", show_legend=False, print_values=True, height=220)
    return _bars(chart, "Entries by age in days", [(age.age, age.entries) for age in summary.ages])


def _modules(summary: Summary) -> Chart | None:
    counts: Counter[str] = Counter()
    for finding in summary.findings:
        if finding.kind == "live-miss":
            for test, number in finding.evidence["by_test"].items():
                counts[test.partition("::")[0] or "(no test known)"] += number
    if not counts:
        return None
    pairs = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_MODULES]
    chart = new(
        pygal.HorizontalBar, "modules", "var(--miss)", show_legend=False,
        print_values=True, height=90 + 30 * len(pairs),
    )  # fmt: skip
    chart.y_labels = [0, pairs[0][1]]
    return _bars(chart, "Live misses by test module", pairs)


def _bars(chart: Any, title: str, pairs: Iterable[tuple[str, int]]) -> Chart:
    pairs = list(pairs)
    chart.x_labels = [_short(name).replace(" to ", "\N{EN DASH}") for name, _ in pairs]
    chart.add(title, [number or None for _, number in pairs])  # a 0 would stand on the axis
    words = "; ".join(f"{visible(name)}: {number:,}" for name, number in pairs)
    return finished(chart, title, f"{words}.")


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
