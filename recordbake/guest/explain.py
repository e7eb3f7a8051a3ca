"""Why a request is not in the recording, in words that say what to do; no I/O."""

from __future__ import annotations

import re
import shlex
from urllib.parse import parse_qsl, urlsplit

from .likeness import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .exchange import Request
    from .likeness import Recorded

#: Differences named; the rest is counted.
_NAMED = 3
#: Values that are new each time: times, and identifiers made of digits or hexadecimal digits.
_GENERATED = re.compile(
    r"\d{9,}(\.\d+)?|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*",
    re.IGNORECASE,
)
_PRIVATE = re.compile(r"(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\.[\d.]+|[^.:]+")


class Advice:
    """What to run, for messages.

    Args:
        record: the command that records what is missing.
        record_test: the same for one pytest test, its identifier to be appended; empty where the
            command is not pytest.
        selector: the test's identifier as pytest's command line takes it, or None.
    """

    def __init__(self, record: str, record_test: str = "", selector: str | None = None) -> None:
        one = record_test and selector and "::" in selector
        self.command = f"{record_test} {shlex.quote(selector)}" if one and selector else record


def next_step(url: str, recorded: Recorded | None, advice: Advice) -> str:
    """The one configuration line or command that solves a miss."""
    host = urlsplit(url).hostname or ""
    if recorded is None:
        if _PRIVATE.fullmatch(host):
            return f'ignore_hosts = ["{host}"] in [tool.recordbake], if it is a service of yours'
        return advice.command
    ours = dict(parse_qsl(urlsplit(url).query))
    theirs = dict(parse_qsl(urlsplit(recorded.url).query))
    volatile = [
        name
        for name, value in ours.items()
        if theirs.get(name, value) != value
        and _GENERATED.fullmatch(value)
        and _GENERATED.fullmatch(theirs[name])
    ]
    if volatile and recorded.url.partition("?")[0] == url.partition("?")[0]:
        names = ", ".join(f'"{name}"' for name in volatile)
        return f"volatile_parameters = [{names}] in [tool.recordbake], then {advice.command}"
    return advice.command


def name_test(test: str | None, phase: str | None) -> str:
    """A test for people; its fixtures are looked for elsewhere than its own lines."""
    if test is None:
        return "none known"
    return f"{test}, in its {phase}" if phase in ("setup", "teardown") else test


def miss_message(  # noqa: PLR0913
    request: Request,
    url: str,
    test: str | None,
    candidates: Sequence[Recorded],
    advice: Advice,
    *,
    phase: str | None = None,
    blocked: bool = True,
) -> str:
    """The text of the exception, the summary and the audit for one request that was missed.

    Args:
        request: what was asked for, with its headers and body as sent.
        url: its URL as journals show it (redacted).
        test: the test that asked, if one is known.
        candidates: the entries most like it, best first.
        advice: what to run.
        phase: of the test: ``setup``, ``call`` or ``teardown``.
        blocked: whether it was blocked; else it goes live.
    """
    what = "recordbake blocked" if blocked else "live miss:"
    lines = [f"{what} {request.method} {url}: it is not in the recording"]
    lines.append(f"  test:    {name_test(test, phase)} (client: {request.client})")
    by_fewest = [(differences(request, url, recorded), recorded) for recorded in candidates]
    found, near = min(by_fewest, key=lambda pair: len(pair[0]), default=([], None))
    if near is None:
        lines.append("  nearest: nothing was recorded from this host")
    else:
        by = "this test" if near.test and near.test == test else near.test
        lines.append(f"  nearest: {near.method} {near.url}" + (f", recorded by {by}" if by else ""))
        lines += [f"  differs: {text}" for text in found[:_NAMED] or ["in nothing that is kept"]]
        if len(found) > _NAMED:
            lines.append(f"           and {len(found) - _NAMED} more")
    lines.append(f"  next:    {next_step(url, near, advice)}")
    return "\n".join(map(one_line, lines))


def one_line(text: str) -> str:
    """Text that stays in its line, and steers no terminal: names may come from other people."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text.replace("##[", "#\\#[")  # a command to GitHub's runner, anywhere in a line
