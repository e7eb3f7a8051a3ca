"""What every client's request and answer are turned into; no I/O, no client's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Header fields in order, duplicates kept; text is latin-1 (RFC 9110 section 5.5: obs-text).
Headers = list[tuple[str, str]]

#: Answers that are retried while recording and, where they remain, kept as suspect.
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})

#: Phases of a request in which a failure can happen.
CONNECT, HEAD, BODY = "connect", "head", "body"

#: Kind of a take whose caller closed the response before its end: no error, but not the whole.
PARTIAL = "partial"


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header field, or None; ``name`` is lower case."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


@dataclass(slots=True)
class Request:
    """A request as it would go on the wire.

    Args:
        method: the method, as sent.
        url: absolute URL, as sent.
        headers: header fields in order.
        body: the whole body, without transfer framing.
        client: name of the client library that made it.
    """

    method: str
    url: str
    headers: Headers
    body: bytes = b""
    client: str = ""


@dataclass(slots=True)
class Failure:
    """A transport error as an outcome: data enough to raise the client's own exception again.

    Args:
        kind: ``dns``, ``refused``, ``connect_timeout``, ``tls``, ``connect``, ``read_timeout``,
            ``reset``, ``disconnected``, ``truncated``, ``protocol``, or ``partial`` (the caller
            closed the response before its end).
        message: the text of the live exception.
        errno: the operating system's error number, or 0.
        phase: ``connect``, ``head`` or ``body``.
        raw: the bytes received instead of a response head (latin-1), where there were any.
    """

    kind: str
    message: str = ""
    errno: int = 0
    phase: str = CONNECT
    raw: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "kind": self.kind,
            "message": self.message,
            "errno": self.errno,
            "phase": self.phase,
            "raw": self.raw,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Failure:
        """The inverse of :meth:`as_dict`.

        Raises:
            KeyError, ValueError, TypeError: the data is not a failure.
        """
        return cls(
            str(data["kind"]),
            str(data["message"]),
            int(data["errno"]),
            str(data["phase"]),
            str(data["raw"]),
        )


@dataclass(slots=True)
class Head:
    """Status line and header fields of a response.

    Args:
        status: status code.
        reason: reason phrase, as sent.
        version: ``1.0``, ``1.1`` or ``2``.
        headers: header fields in order, duplicates kept.
    """

    status: int
    reason: str
    version: str
    headers: Headers


def is_suspect(head: Head | None, failure: Failure | None) -> bool:
    """Whether an answer is a busy server's or a transport error."""
    if failure is not None and failure.kind != PARTIAL:
        return True
    return head is not None and head.status in TRANSIENT_STATUSES


@dataclass(slots=True)
class Captured:
    """One finished live request with what came of it, ready for a shard.

    ``head`` is None when the failure came before a response. The body is in ``body`` or, when
    it is large, in the file ``body_file`` beside the shard.

    Args:
        key: what selects the entry (:mod:`.keys`).
        recorded_at: Unix seconds, UTC.
        started: seconds on the machine's monotonic clock, which orders a run's entries.
        attempt: how often the test had been run before in its process (reruns).
        live_ms: milliseconds from sending to the end of the body.
        vary: request header name to digest, for what the response's Vary names.
    """

    key: str
    request: Request
    head: Head | None
    body_sha256: str = ""
    body_size: int = 0
    body: bytes = b""
    body_file: str | None = None
    recorded_at: float = 0.0
    live_ms: float = 0.0
    test: str | None = None
    started: float = 0.0
    attempt: int = 0
    vary: dict[str, str] | None = None
    failure: Failure | None = None

    @property
    def suspect(self) -> bool:
        """Whether only a passing test can vouch for this answer."""
        return is_suspect(self.head, self.failure)


@dataclass(slots=True)
class Take:
    """One recorded answer, as the reader hands it to a client's adapter.

    ``body`` is set for bodies kept inline; a larger one is the file ``body_path``.
    """

    key: str
    take: int
    head: Head | None
    body_size: int = 0
    body_sha256: str = ""
    body: bytes | None = None
    body_path: str | None = None
    failure: Failure | None = None
    vary: dict[str, str] | None = field(default=None)
