"""Pictures of how costs grow, on logarithmic axes: static SVG by pygal, as the audit's are."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_STYLE = Style(
    background="#ffffff", plot_background="#ffffff", foreground="#333333",
    foreground_strong="#111111", foreground_subtle="#cccccc", colors=("#2a6fb0", "#c0562b"),
    font_family="sans-serif", label_font_size=13, major_label_font_size=13, legend_font_size=13,
    title_font_size=15,
)  # fmt: skip


def _short(number: float) -> str:
    """A power of ten in few letters."""
    for unit, letter in ((10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}"


def _powers(values: Iterable[float]) -> list[float]:
    """The powers of ten around some values."""
    logs = [log10(value) for value in values]
    return [10.0**power for power in range(floor(min(logs)), ceil(max(logs)) + 1)]


def draw(growth: dict[str, Any], path: Path) -> None:
    """Write a picture.

    Args:
        growth: a member of ``growth`` in reports/bench.json.
        path: the SVG file.
    """
    chart = pygal.XY(
        style=_STYLE, js=[], width=640, height=360, logarithmic=True, legend_at_bottom=True,
        title=f"{growth['title']}: CPU seconds by {growth['by']}", dots_size=3, margin_right=32,
        x_value_formatter=_short, disable_xml_declaration=True,
        value_formatter=lambda seconds: f"{seconds:g}",
    )  # fmt: skip
    chart.x_labels = _powers(growth["x"])
    chart.y_labels = _powers(y for values in growth["sides"].values() for y in values)
    for name, values in growth["sides"].items():
        chart.add(name, list(zip(growth["x"], values, strict=True)))
    chart.uuid = growth["name"]
    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in ("script", "comment", "desc") or child.get("class") == "tooltip":
                parent.remove(child)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ET.tostring(root, encoding="unicode") + "\n", encoding="utf-8")
