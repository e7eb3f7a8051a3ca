"""Pictures of how costs grow, on logarithmic axes: static SVG by pygal, as the audit's are."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

if TYPE_CHECKING:
    from pathlib import Path

_STYLE = Style(
    background="#ffffff", plot_background="#ffffff", foreground="#333333",
    foreground_strong="#111111", foreground_subtle="#cccccc", colors=("#2a6fb0", "#c0562b"),
    font_family="sans-serif", label_font_size=13, major_label_font_size=13, legend_font_size=13,
    title_font_size=15,
)  # fmt: skip


def draw(growth: dict[str, Any], path: Path) -> None:
    """Write a picture.

    Args:
        growth: a member of ``growth`` in reports/bench.json.
        path: the SVG file.
    """
    chart = pygal.XY(
        style=_STYLE, js=[], width=640, height=360, logarithmic=True, legend_at_bottom=True,
        title=f"{growth['title']}: CPU seconds by {growth['by']}", dots_size=3,
        x_value_formatter=lambda power: f"{round(10**power):,}", disable_xml_declaration=True,
        value_formatter=lambda seconds: f"{seconds:g}",
    )  # fmt: skip
    chart.x_labels = sorted({round(log10(x)) for x in growth["x"]})
    for name, values in growth["sides"].items():
        chart.add(name, [(log10(x), y) for x, y in zip(growth["x"], values, strict=True)])
    chart.uuid = growth["name"]
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in ("script", "comment", "desc") or child.get("class") == "tooltip":
                parent.remove(child)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ET.tostring(root, encoding="unicode") + "\n", encoding="utf-8")
