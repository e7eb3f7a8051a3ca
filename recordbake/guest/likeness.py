"""Which recorded entry a request is most like, and by what the two differ; no I/O."""

from __future__ import annotations

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
