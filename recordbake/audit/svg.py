"""pygal's pictures as static SVG in the page's own colours.

Scripts and comments (with today's date) are taken out: the pictures work without JavaScript, and
the same audit gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from pygal.style import Style

if TYPE_CHECKING:
    from collections.abc import Callable

#: Not wider, so that letters can be read where it is as wide as a phone.
_WIDTH = 440
_LETTER = 7  # width of one in the pictures, roughly
_MOST_SERIES = 32


@dataclass(frozen=True)
class Chart:
    """A picture as SVG markup that is safe to insert, with its title and what it says."""

    id: str
    title: str
    svg: str
    words: str


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


def new(
    kind: Any, name: str, *colors: str, formatter: Callable[[Any], str] = "{:,.0f}".format,
    **options: Any,
) -> Any:  # fmt: skip
    """A chart of that kind, to be filled and handed to :func:`finished`.

    Args:
        kind: pygal's class.
        name: what its ids begin with.
        colors: of its series, as CSS has them.
        formatter: writes its values.
        options: further ones of pygal.
    """
    chart = kind(
        style=_style(*(colors or ("var(--bar)",))), js=[], width=_WIDTH, margin=12,
        disable_xml_declaration=True, explicit_size=False, formatter=formatter,
        value_formatter=formatter, truncate_label=-1, min_scale=2, max_scale=6,
        **options,
    )  # fmt: skip
    chart.uuid = name
    return chart


def finished(chart: Any, title: str, words: str) -> Chart:
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
