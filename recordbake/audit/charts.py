"""The pictures of a report: static SVG by pygal, in the page's own colours; nothing is read here.

pygal's scripts and comments (with today's date) are taken out: the pictures work without
JavaScript, and the same audit gives the same bytes. What a picture shows is also said in words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

from recordbake.audit.findings import LIVE_MISSES
from recordbake.audit.page import size, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recordbake.audit.summary import Summary

_MOST_RUNS, _MOST_AREAS, _MOST_MODULES = 30, 20, 12
_LONGEST_LABEL = 38
_WIDTH = 640
_LETTER = 8  # width of one in the pictures, roughly
_MOST_SERIES = 32


def _style(*colors: str) -> Any:
    """The page's own custom properties as colours, so that dark mode and print need no more."""
    return Style(
        background="transparent", plot_background="transparent", foreground="var(--text)",
        foreground_strong="var(--text)", foreground_subtle="var(--line)", opacity="1",
        opacity_hover="1", transition="none", colors=(colors * _MOST_SERIES)[:_MOST_SERIES],
        value_colors=("var(--on-bar)",) * _MOST_SERIES, font_family="inherit", label_font_size=13,
        major_label_font_size=13, legend_font_size=13, value_font_size=13,
        value_label_font_size=13,
    )  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A picture as SVG markup that is safe to insert, with its title and what it says."""

    id: str
    title: str
    svg: str
    words: str


def build(summary: Summary) -> tuple[Chart, ...]:
    """The pictures for which there is something to show."""
    made = (_runs(summary), _sizes(summary), _ages(summary), _modules(summary))
    return tuple(chart for chart in made if chart is not None)


def _runs(summary: Summary) -> Chart | None:
    runs = [run for run in summary.runs if run.requests][-_MOST_RUNS:]
    if not runs:
        return None
    chart = _new(
        pygal.StackedBar, "runs", "var(--bar)", "var(--miss)", "var(--other)",
        legend_at_bottom=True, x_label_rotation=30, height=330,
    )  # fmt: skip
    chart.x_labels = [(run.started_at or run.run)[5:16].replace("T", " ") for run in runs]
    hits = [run.outcomes.get("hit", 0) for run in runs]
    misses = [sum(run.outcomes.get(o, 0) for o in LIVE_MISSES) for run in runs]
    rest = [run.requests - hit - miss for run, hit, miss in zip(runs, hits, misses, strict=True)]
    for name, values in (("hit", hits), ("live miss", misses), ("recorded or bypassed", rest)):
        chart.add(name, values)
    last = f"the latest had {hits[-1]:,} hits and {misses[-1]:,} live misses"
    return _chart(chart, "Requests by run", f"{len(runs)} runs; {last}.")


def _sizes(summary: Summary) -> Chart | None:
    areas = [(host.host or "(no host)", host.bytes) for host in summary.hosts]
    areas += [(f"Hub: {repo.repo_id}", repo.size) for repo in summary.hub]
    areas = sorted(((n, b) for n, b in areas if b), key=lambda area: (-area[1], area[0]))
    if not areas:
        return None
    shown = areas[:_MOST_AREAS]
    if others := sum(number for _, number in areas[_MOST_AREAS:]):
        shown.append((f"{len(areas) - _MOST_AREAS:,} more", others))
    chart = _new(
        pygal.Treemap, "sizes", print_labels=True, show_legend=False, height=330, formatter=size
    )
    for name, number in shown:
        chart.add(_short(name), [{"value": number, "label": f"{_short(name)} {size(number)}"}])
    largest = "; ".join(f"{visible(name)} {size(number)}" for name, number in shown[:5])
    return _chart(chart, "Cache size by host and repository", f"Largest first: {largest}.")


def _ages(summary: Summary) -> Chart | None:
    if not any(age.entries for age in summary.ages):
        return None
    chart = _new(pygal.Bar, "ages", show_legend=False, print_values=True, height=280)
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
    chart = _new(
        pygal.HorizontalBar, "modules", "var(--miss)", show_legend=False,
        print_values=True, height=110 + 34 * len(pairs),
    )  # fmt: skip
    chart.y_labels = [0, pairs[0][1]]
    return _bars(chart, "Live misses by test module", pairs)


def _bars(chart: Any, title: str, pairs: Iterable[tuple[str, int]]) -> Chart:
    pairs = list(pairs)
    chart.x_labels = [_short(name) for name, _ in pairs]
    chart.add(title, [number for _, number in pairs])
    words = "; ".join(f"{visible(name)} {number:,}" for name, number in pairs)
    return _chart(chart, title, f"{words}.")


def _new(
    kind: Any, name: str, *colors: str, formatter: Callable[[Any], str] = "{:,.0f}".format,
    **options: Any,
) -> Any:  # fmt: skip
    chart = kind(
        style=_style(*(colors or ("var(--bar)",))), js=[], width=_WIDTH, margin=12,
        disable_xml_declaration=True,
        explicit_size=False, formatter=formatter, truncate_label=-1, min_scale=2, max_scale=6,
        **options,
    )  # fmt: skip
    chart.uuid = name
    return chart


def _chart(chart: Any, title: str, words: str) -> Chart:
    """The markup without scripts, comments and what only a script would show."""
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            hidden = child.get("class") == "tooltip"
            if name in ("script", "comment", "desc", "title") or hidden:
                parent.remove(child)
    _drop_labels_that_do_not_fit(root)
    root.set("role", "img")
    root.set("aria-labelledby", f"chart-{chart.uuid}-title")
    root.set("aria-describedby", f"chart-{chart.uuid}-words")
    return Chart(f"chart-{chart.uuid}", title, _markup(root), words)


def _drop_labels_that_do_not_fit(root: Any) -> None:
    """In a treemap, where labels stand in their areas: as the words say it all, less is clearer."""
    if "treemap-graph" not in {part for e in root.iter("g") for part in e.get("class", "").split()}:
        return
    areas = [[float(r.get(name)) for name in ("x", "y", "width", "height")]
             for r in root.iter("rect") if "tooltip-trigger" in r.get("class", "")]  # fmt: skip
    for parent in list(root.iter("g")):
        for text in parent.findall("text"):
            at_x, at_y = float(text.get("x", 0)), float(text.get("y", 0))
            fits = any(
                abs(x + width / 2 - at_x) < 1 and abs(y + height / 2 - at_y) < _LETTER
                and len(text.text or "") * _LETTER < width and height > 2 * _LETTER
                for x, y, width, height in areas
            )  # fmt: skip
            if not fits:
                parent.remove(text)


def _markup(root: Any) -> str:
    for element in root.iter():
        element.attrib.pop("style", None)
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
