"""Writes an audit: one file for each format, complete or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recordbake.audit.build import build
from recordbake.audit.page import visible
from recordbake.errors import UsageError
from recordbake.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.audit.page import Page
    from recordbake.audit.summary import Summary

#: Version of audit.json (docs/reference/audit-json.md).
JSON_VERSION = 1
#: GitHub takes 65,536 characters as a comment, and a MiB as a job's summary.
LONGEST_MARKDOWN = 60_000
#: File name of each format.
FILES = {"html": "audit.html", "json": "audit.json", "markdown": "audit.md"}

#: A backslash before a pipe would take the escape for itself, and the pipe would end the cell.
_BEFORE_PIPE = re.compile(r"(\\)(?=\|)")


def write(summary: Summary, out: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write an audit's report.

    Args:
        summary: what to say.
        out: directory for the files; created if needed.
        formats: keys of :data:`FILES`.

    Returns:
        The files written, in the order of ``formats``.

    Raises:
        UsageError: a file cannot be written there.
    """
    page = build(summary)
    texts = {
        "html": lambda: to_html(page),
        "json": lambda: to_json(summary),
        "markdown": lambda: to_markdown(page),
    }
    written = []
    for name in dict.fromkeys(formats):
        path = out / FILES[name]
        write_whole(path, texts[name]())
        written.append(path)
    return written


def to_html(page: Page) -> str:
    """The page as one self-contained HTML file; all text is escaped."""
    loader = PackageLoader("recordbake.audit")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    environment.filters["visible"] = visible
    script = loader.get_source(environment, "audit.js")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("audit.html.j2").render(
        page=page,
        script=Markup(script),  # noqa: S704  (our own file)
        script_digest=digest,
        pictures=[(chart, Markup(chart.svg)) for chart in page.charts],  # noqa: S704  (escaped)
    )


def to_markdown(page: Page) -> str:
    """The page as Markdown, for a comment or a job summary; text from data stands in code spans.

    Of each table it has as many rows as a comment takes.
    """
    loader = PackageLoader("recordbake.audit")
    environment = Environment(
        loader=loader, autoescape=False, trim_blocks=True, lstrip_blocks=True,  # noqa: S701
        undefined=StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"span": code_span, "fence": _fence}
    template = environment.get_template("audit.md.j2")
    for most in (20, 10, 5, 2, 1):
        if len(text := template.render(page=page, most=most)) <= LONGEST_MARKDOWN:
            return text
    return template.render(page=page, most=0)


def to_json(summary: Summary) -> str:
    """The audit for machines: ASCII, keys and lists in a fixed order."""
    data = {name: part for name, part in vars(summary).items() if name != "entries"}
    whole = {"v": JSON_VERSION} | data
    parts = (f"{json.dumps(name)}: {_lines(part)}" for name, part in whole.items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(part: Any) -> str:
    """A part of the audit as JSON, a line for each item of a list."""
    if isinstance(part, (list, tuple)) and part:
        return "[\n " + ",\n ".join(map(_encoded, part)) + "\n]"
    return _encoded(part)


def _encoded(value: Any) -> str:
    """A value as JSON, in ASCII; msgspec writes it in a fifth of the time, but not so."""
    try:
        text = _fast(value)
    except UnicodeEncodeError:  # a lone surrogate
        text = b"\xff"
    return text.decode("ascii") if text.isascii() else _in_ascii(value)


_fast = msgspec.json.Encoder().encode
# vars, not asdict, which copies each text of each finding.
_in_ascii = json.JSONEncoder(allow_nan=False, default=vars, separators=(",", ":")).encode


def code_span(text: str) -> str:
    """Text as a Markdown code span that holds in a table: nothing in it is markup or HTML."""
    ticks = _longer_than_any(text, 1)
    inner = _BEFORE_PIPE.sub(r"\1 ", text).replace("|", "\\|")
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{inner}{pad}{ticks}"


def _fence(text: str) -> str:
    ticks = _longer_than_any(text, 3)
    return f"{ticks}sh\n{text}\n{ticks}"


def _longer_than_any(text: str, least: int) -> str:
    ticks = "`" * least
    while ticks in text:
        ticks += "`"
    return ticks


def write_whole(path: Path, text: str) -> None:
    """Write so that a reader never sees half a report.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error.strerror}",
            where=path,
            next_step="name another directory with --out",
        ) from error
