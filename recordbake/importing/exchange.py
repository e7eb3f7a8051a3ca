"""One request and its answer, whichever tool kept them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from recordbake.codings import UnknownCodingError, coding_of, codings, decoded
from recordbake.guest.exchange import Headers, header

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Answers without a body whatever their fields say (RFC 9110 section 6.4.1).
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True)
class Answer:
    """A response; the body is as it was sent, without transfer framing, where the tool kept it."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    version: str = "1.1"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; ``recorded_at`` in Unix seconds (UTC), where it is known."""

    method: str
    url: str
    headers: Headers
    body: bytes
    answer: Answer
    recorded_at: float | None = None
    test: str | None = field(default=None, compare=False)


def reason_of(status: int, reason: str | None) -> str:
    """A reason phrase: the one that was kept, or that of RFC 9110 section 15."""
    if reason:
        return reason
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def fitting(exchange: Exchange) -> Exchange:
    """The exchange with header fields that fit the body.

    Tools keep decoded bodies under the header fields of encoded ones: then Content-Encoding goes.
    Content-Length is that of the body (RFC 9110 section 8.6), but for answers without one.
    """
    answer = exchange.answer
    headers = answer.headers
    if answer.body and not _is_encoded(answer.body, headers):
        headers = _without(headers, "content-encoding")
    bodiless = exchange.method.upper() == "HEAD" or answer.status in _BODILESS
    if not bodiless and header(headers, "content-length") is not None:
        headers = [
            (name, str(len(answer.body)) if name.lower() == "content-length" else value)
            for name, value in headers
        ]
    return replace(exchange, answer=replace(answer, headers=headers))


def _is_encoded(body: bytes, headers: Headers) -> bool:
    """Whether a body is in the coding that its fields name, as far as anybody here can tell."""
    names = codings(header(headers, "content-encoding") or "")
    if not names:
        return True
    try:
        return coding_of(body) in names or any(decoded([body], names))
    except UnknownCodingError:
        return True


def _without(headers: Iterable[tuple[str, str]], name: str) -> Headers:
    return [(key, value) for key, value in headers if key.lower() != name]
