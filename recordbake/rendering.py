"""What is recorded, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recordbake.console import printable
from recordbake.show import iso

if TYPE_CHECKING:
    from recordbake.show import Shown


def render(entries: list[Shown], *, whole: bool) -> str:
    """Text for a terminal: a line for each take, or all there is to see of it."""
    if not entries:
        return "the recording is empty"
    return "\n".join(_whole(e) if whole else _line(e) for e in entries)


def _line(entry: Shown) -> str:
    answer = str(entry.status) if entry.status else f"{(entry.failure or {}).get('kind')}"
    return printable(f"{answer}  {entry.method} {entry.url}  {entry.body_size:,} bytes").replace(
        "\n", " "
    )


def _whole(entry: Shown) -> str:
    text = [f"{entry.method} {entry.url}", f"  key:      {entry.key}, take {entry.take}"]
    text.append(f"  recorded: {iso(entry.recorded_at)} by {entry.client} in {entry.live_ms:.0f} ms")
    text += [f"  test:     {name}" for name in entry.tests]
    if entry.status is not None:
        text.append(f"  answer:   HTTP/{entry.version} {entry.status} {entry.reason}".rstrip())
    if entry.failure:
        text.append(f"  failure:  {entry.failure['kind']}: {entry.failure['message']}")
    if entry.suspect:
        text.append("  suspect:  only a passing test vouches for it")
    for title, pairs in (("request", entry.request_headers), ("headers", entry.headers)):
        if pairs:
            text += [f"  {title}:", *(f"    {name}: {value}" for name, value in pairs)]
    if entry.status is not None:
        text.append(f"  body: {entry.body_size:,} bytes, sha256 {entry.body_sha256}")
        text += [f"    {line}" for line in entry.body.splitlines()]
    return "\n".join(printable(line).replace("\n", " ") for line in text) + "\n"
