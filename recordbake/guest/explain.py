"""Why a request is not in the recording, in words that say what to do; no I/O."""

from __future__ import annotations

from difflib import SequenceMatcher
from urllib.parse import parse_qsl, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .exchange import Request

Neighbour = tuple[str, str, "str | None", str]  # method, URL, test, key


def nearest(method: str, url: str, neighbours: Sequence[Neighbour]) -> Neighbour | None:
    """The recorded entry most like a request, or None if the host has none worth naming."""

    def likeness(neighbour: Neighbour) -> tuple[bool, float, bool]:
        same = neighbour[1] == url
        ratio = 1.0 if same else SequenceMatcher(None, neighbour[1][:500], url[:500]).ratio()
        return same, ratio, neighbour[0] == method

    return max(neighbours, key=likeness, default=None)


def _queries_differ(ours: str, theirs: str) -> str:
    asked, recorded = parse_qsl(ours, True), parse_qsl(theirs, True)  # noqa: FBT003
    for name, value in asked:
        if (name, value) not in recorded:
            was = dict(recorded).get(name)
            if was is None:
                return f"query parameter {name}={value} was not recorded"
            return f"query parameter {name}: recorded {was!r}, asked {value!r}"
    for name, value in recorded:
        if (name, value) not in asked:
            return f"query parameter {name}={value} was recorded, but not asked"
    return "order of the query parameters"


def difference(method: str, url: str, neighbour: Neighbour) -> str:
    """The first thing by which a request differs from a recorded entry."""
    if neighbour[1] == url:
        if neighbour[0] != method:
            return f"method: recorded {neighbour[0]}, asked {method}"
        return "request body, Range or If-* header, or credentials"
    ours, theirs = urlsplit(url), urlsplit(neighbour[1])
    if ours.scheme != theirs.scheme or ours.netloc != theirs.netloc:
        return f"origin: recorded {theirs.scheme}://{theirs.netloc}"
    if ours.path != theirs.path:
        return f"path: recorded {theirs.path}"
    return _queries_differ(ours.query, theirs.query)


def miss_message(
    request: Request,
    url: str,
    test: str | None,
    neighbours: Sequence[Neighbour],
    record_command: str,
) -> str:
    """The text of the exception, the summary and the audit for one blocked request.

    Args:
        request: what was asked for.
        url: its URL as journals show it (redacted).
        test: the test that asked, if one is known.
        neighbours: entries of the same host.
        record_command: what to run to record it.
    """
    lines = [f"recordbake blocked {request.method} {url}: it is not in the recording"]
    lines.append(f"  test:    {test or 'none known'} (client: {request.client})")
    near = nearest(request.method, url, neighbours)
    if near is None:
        lines.append("  nearest: nothing was recorded from this host")
    else:
        recorded_by = f", recorded by {near[2]}" if near[2] else ""
        lines.append(f"  nearest: {near[0]} {near[1]}{recorded_by}")
        lines.append(f"  differs: {difference(request.method, url, near)}")
    lines.append(f"  record:  {record_command}")
    return "\n".join(lines)
