"""What is different between what a caller saw live, and what while recording or replaying."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.clients.asking import PART, RAW
from tests.clients.features import FEATURES

Seen = dict[str, Any]
SAME, CANNOT = "same", "cannot"
#: Kinds of what is lost, in the order of the page. The first group is what tests look at.
PLAIN = {
    "not answered": "an exception, or nothing, where there was an answer",
    "answered": "an answer where there was an exception",
    "class of the exception": "another exception than live",
    "status": "the status code",
    "body": "the body as a client decodes it",
    "raw body": "the body as it was sent",
    "header fields": "values of header fields: changed, missing or more",
    "duplicate fields": "a field that came more than once comes once, or joined",
    "cookies": "the session's cookies with their attributes, or the response's",
    "URL and history": "the final URL, or the redirects that led there",
}
FINE = {
    "reason": "the reason phrase, which clients should ignore (RFC 9112, section 4)",
    "fields of the connection": "`Transfer-Encoding`, `Connection`, or a `Content-Length` instead",
    "case or order of fields": "the same fields, spelt or ordered otherwise",
    "pieces": "the body comes in other pieces",
    "version": "of HTTP",
    "texts of the exception": "the same class; its text, arguments or causes differ",
    "the rest": "encoding, whether it is closed, what a second reading gives, extensions",
}
_KEYS = {
    "reason": "reason", "status": "status", "digest": "body", "size": "body", "body": "body",
    "cookies": "cookies", "own": "cookies", "url": "URL and history", "real_url": "URL and history",
    "history": "URL and history", "pieces": "pieces", "version": "version",
}  # fmt: skip


def differences(live: Seen, found: Seen | None, feature: str) -> list[str]:
    """Kinds of differences, in the order of the page; none if it is the same."""
    if found == live:
        return []
    if found is None or (_raised(found) and not _raised(live)):
        return ["not answered"]
    if _raised(live):
        return _of_failures(live, found)
    keys = (live.keys() | found.keys()) - {"headers", "raw"}
    kinds = {_KEYS.get(key, "the rest") for key in keys if live.get(key) != found.get(key)}
    if "URL and history" in kinds and _same_place(live, found):
        kinds = kinds - {"URL and history"} | {"the rest"}
    kinds |= _of_fields(live["headers"], found["headers"])
    if live.get("raw") != found.get("raw"):  # the same fields as bytes
        kinds.add("the rest")
    if "body" in kinds and FEATURES[feature].read in (RAW, PART):
        kinds = kinds - {"body"} | {"raw body"}
    return [kind for kind in (*PLAIN, *FINE) if kind in kinds]


def _same_place(live: Seen, found: Seen) -> bool:
    """Whether the URLs are the same but for a host that one of them leaves out, as urllib3 does."""
    urls = [(str(live.get(key)), str(found.get(key))) for key in ("url", "real_url")]
    return live.get("history") == found.get("history") and all(
        one.endswith(other) or other.endswith(one) for one, other in urls
    )


def _raised(seen: Seen) -> bool:
    """Whether it is an exception; a response may show an ``error``, too, which is a text."""
    return isinstance(seen.get("error"), list)


def _of_failures(live: Seen, found: Seen) -> list[str]:
    if not _raised(found):
        return ["answered"]
    if live["error"][0] != found["error"][0]:
        return ["class of the exception"]
    return ["texts of the exception"]


def _of_fields(live: list[list[str]], found: list[list[str]]) -> set[str]:
    if live == found:
        return set()
    one, other = (
        Counter((name.lower(), value) for name, value in pairs) for pairs in (live, found)
    )
    if one == other:
        return {"case or order of fields"}
    one, other = _without_framing(one, other), _without_framing(other, one)
    if one == other:
        return {"fields of the connection"}
    twice = {
        name for name, count in Counter(name for name, _ in one.elements()).items() if count > 1
    }
    changed = {name for name, _ in (one - other) + (other - one)}
    kinds = set()
    if changed & twice:
        kinds.add("duplicate fields")
    if changed - twice:
        kinds.add("header fields")
    return kinds


def _without_framing(fields: Counter, beside: Counter) -> Counter:
    """Without what is about the connection, not the response (RFC 9110 7.6.1, RFC 9112 6)."""
    names = {name for name, _ in beside}
    return Counter({
        (name, value): count
        for (name, value), count in fields.items()
        if name not in ("transfer-encoding", "connection", "keep-alive")
        and (name != "content-length" or name in names)
    })  # fmt: skip


def cell(live: Seen | None, recorded: Seen | None, replayed: Seen | None, feature: str) -> Any:
    """``same``, ``cannot`` (the client, not the tool), or the kinds of what differs, by phase."""
    if live is None:
        raise ValueError(f"the live run did not come to {feature}")
    if "cannot" in live:
        return CANNOT
    phases = {"recorded": recorded, "replayed": replayed}
    kinds = {phase: differences(live, found, feature) for phase, found in phases.items()}
    return {phase: found for phase, found in kinds.items() if found} or SAME


def is_plain(value: Any) -> bool:
    """Whether a cell is the same in what tests look at."""
    return value == SAME or (
        isinstance(value, dict)
        and not any(kind in PLAIN for kinds in value.values() for kind in kinds)
    )
