"""Why a request is not in the recording, in words that say what to do; no I/O."""

from __future__ import annotations

import re
import shlex
from urllib.parse import parse_qsl, urlsplit

from .exchange import header
from .keys import CONDITIONS, credential_kind, vary_differs
from .redaction import PLACEHOLDER, redact_request_headers
from .shape import body_shape, differing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .exchange import Headers, Request
    from .shape import Shape

Neighbour = tuple[str, str, "str | None", str]  # method, URL, test, key

#: Differences named; the rest is counted.
_NAMED = 3
#: Values that are new each time: times, and identifiers made of digits or hexadecimal digits.
_GENERATED = re.compile(
    r"\d{9,}(\.\d+)?|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*",
    re.IGNORECASE,
)
_PRIVATE = re.compile(r"(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\.[\d.]+|[^.:]+")
_CREDENTIALS = {
    "": "none", "a": "Authorization", "c": "a cookie", "ac": "Authorization and a cookie",
}  # fmt: skip


class Recorded:
    """An entry that a request is compared with.

    Args:
        neighbour: method, URL, test and key.
        headers: its request's header fields, redacted.
        shape: its request's body (:mod:`.shape`).
        vary: request header name to digest, for what its response's Vary names.
    """

    def __init__(
        self, neighbour: Neighbour, headers: Headers, shape: Shape | None,
        vary: dict[str, str] | None,
    ) -> None:  # fmt: skip
        self.method, self.url, self.test, self.key = neighbour
        self.headers = headers
        self.shape = shape
        self.vary = vary


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


def _shared(one: str, two: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(two)))


def closest(method: str, url: str, neighbours: Sequence[Neighbour], most: int) -> list[Neighbour]:
    """The recorded entries most like a request, best first.

    Args:
        method: what was asked for.
        url: the same, as journals show it.
        neighbours: entries of the same host.
        most: how many to return where several have the same URL; else it is one.
    """
    base, _, query = url.partition("?")
    asked = set(query.split("&"))

    def likeness(neighbour: Neighbour) -> tuple[bool, bool, int, int, bool]:
        other, _, parameters = neighbour[1].partition("?")
        shared = len(asked.intersection(parameters.split("&")))
        alike = _shared(base, other) + _shared(base[::-1], other[::-1])
        return neighbour[1] == url, other == base, shared, alike, neighbour[0] == method

    ranked = sorted(neighbours, key=likeness, reverse=True)
    same = [n for n in ranked if n[1] == url and n[0] == method][:most]
    return same or ranked[:1]


def _queries_differ(ours: str, theirs: str) -> list[str]:
    asked = parse_qsl(ours, keep_blank_values=True)
    recorded = parse_qsl(theirs, keep_blank_values=True)
    was, found = dict(recorded), []
    for name, value in asked:
        if (name, value) not in recorded:
            if name in was:
                found.append(f"query parameter {name}: recorded {was[name]!r}, asked {value!r}")
            else:
                found.append(f"query parameter {name}={value} was not recorded")
    names = {name for name, _ in asked}
    for name, value in recorded:
        if (name, value) not in asked and name not in names:
            found.append(f"query parameter {name}={value} was recorded, but not asked")
    return found or ["order of the query parameters"]


def _headers_differ(request: Request, recorded: Recorded) -> list[str]:
    found = []
    ours, theirs = credential_kind(request.headers), credential_kind(recorded.headers)
    if ours != theirs:
        found.append(f"credentials: recorded {_CREDENTIALS[theirs]}, asked {_CREDENTIALS[ours]}")
    names = [*sorted(CONDITIONS), *vary_differs(recorded.vary, request.headers)]
    kept = redact_request_headers(request.headers)  # as the recorded ones are
    for name in dict.fromkeys(names):
        asked, was = header(kept, name), header(recorded.headers, name)
        if was == PLACEHOLDER:
            found.append(f"header {name}: another value than recorded")
        elif asked != was:
            found.append(f"header {name}: recorded {_value(was)}, asked {_value(asked)}")
    return found


def _value(value: str | None) -> str:
    return "none" if value is None else repr(value)


def differences(request: Request, url: str, recorded: Recorded) -> list[str]:
    """By what a request differs from a recorded entry, a phrase each.

    Args:
        request: what was asked for, with its headers and body as sent.
        url: its URL as journals show it (redacted).
        recorded: the entry.
    """
    if recorded.url != url:
        ours, theirs = urlsplit(url), urlsplit(recorded.url)
        if ours.scheme != theirs.scheme or ours.netloc != theirs.netloc:
            return [f"origin: recorded {theirs.scheme}://{theirs.netloc}"]
        if ours.path != theirs.path:
            return [f"path: recorded {theirs.path}"]
        return _queries_differ(ours.query, theirs.query)
    if recorded.method != request.method:
        return [f"method: recorded {recorded.method}, asked {request.method}"]
    found = _headers_differ(request, recorded)
    shape = body_shape(request.body, header(request.headers, "content-type") or "")
    found += differing(recorded.shape, shape)
    return found or _codings_differ(request, recorded)


def _codings_differ(request: Request, recorded: Recorded) -> list[str]:
    """Of a request that is like the recorded one in all that selects an entry."""
    asked, was = (header(r.headers, "accept-encoding") for r in (request, recorded))
    if asked == was:
        return []
    return [f"header accept-encoding: recorded {_value(was)}, asked {_value(asked)}"]


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
