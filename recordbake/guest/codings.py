"""Whether a caller can read the content coding that an answer was recorded with."""

from __future__ import annotations

import re

from .exchange import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Headers

_NEVER = re.compile(r"\s*q=0(\.0*)?\s*")


def _accepted(field: str) -> set[str]:
    """The codings that an Accept-Encoding field asks for (RFC 9110 section 12.5.3)."""
    found = set()
    for part in field.lower().split(","):
        name, _, weight = part.partition(";")
        if not _NEVER.fullmatch(weight):
            found.add(name.strip().removeprefix("x-"))
    return found


def readable(answer: Headers, asked: Headers, recorded: Headers) -> bool:
    """Whether an answer may be given to a request.

    Accept-Encoding differs between machines and releases, so it does not select an entry. But a
    body in Brotli is of no use to a client without a decoder for it, as the one that recorded
    had. What was sent to just this Accept-Encoding is what the server would send again.

    Args:
        answer: header fields of the answer.
        asked: header fields of the request.
        recorded: header fields of the request that was recorded.
    """
    coding = header(answer, "content-encoding")
    wanted = header(asked, "accept-encoding")
    if not coding or wanted is None or wanted == header(recorded, "accept-encoding"):
        return True
    accepted = _accepted(wanted)
    codings = {part.strip().removeprefix("x-") for part in coding.lower().split(",")}
    return "*" in accepted or codings <= accepted | {"identity", ""}
