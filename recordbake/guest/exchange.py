"""What every client's request and answer are turned into; no I/O, no client's names."""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Header fields in order, duplicates kept; text is latin-1 (RFC 9110 section 5.5: obs-text).
Headers = list[tuple[str, str]]

#: An exception and its causes, outermost first: module, class, arguments that JSON can hold.
Chain = list[tuple[str, str, list[object]]]

#: Lengths of chunks, those in a row counted: (length, how many).
Chunks = list[tuple[int, int]]

#: Answers that are retried while recording and, where they remain, kept as suspect.
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})

#: Phases of a request in which a failure can happen.
CONNECT, HEAD, BODY = "connect", "head", "body"

#: Kind of a take whose caller closed the response before its end: no error, but not the whole.
PARTIAL = "partial"
#: Kind of a take whose caller cancelled the request (asyncio, trio), with or without a head.
CANCELLED = "cancelled"
#: Kind of a take that the client itself refused: an illegal header, a full pool of its own.
OWN = "own"
#: Kind of a take whose caller sent the request and closed the connection without its answer.
UNREAD = "unread"
#: Kinds that say nothing about the server or the network.
_CALLERS = frozenset({PARTIAL, CANCELLED, OWN, UNREAD})


_first = itemgetter(0)


class DamagedStoreError(Exception):
    """The store cannot be read, or an entry in it is not what it should be."""


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header field, or None; ``name`` is lower case."""
    names = list(map(str.lower, map(_first, headers)))  # no loop: this is done for each request
    return headers[names.index(name)][1] if name in names else None


def chunk_lengths(runs: Chunks) -> Iterator[int]:
    """The length of each chunk, in order."""
    for length, count in runs:
        for _ in range(count):
            yield length


class Data:
    """Plain values in slots; equal if all of them are.

    Not a dataclass: importing :mod:`dataclasses` costs more than importing the whole engine.
    """

    __slots__: tuple[str, ...] = ()

    def _values(self) -> list[Any]:
        return [getattr(self, name) for name in self.__slots__]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values() == self._values()

    __hash__ = None  # type: ignore[assignment]  # they change

    def __repr__(self) -> str:
        pairs = zip(self.__slots__, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"


def is_upgrade(headers: Headers) -> bool:
    """Whether a request asks for another protocol, such as WebSocket (RFC 9110 section 7.8)."""
    return "upgrade" in (header(headers, "connection") or "").lower()


class Request(Data):
    """A request as it would go on the wire.

    Args:
        method: the method, as sent.
        url: absolute URL, as sent.
        headers: header fields in order.
        body: the whole body, without transfer framing.
        client: name of the client library that made it.
        shape: of what is kept: the body's shape (:mod:`.shape`).
    """

    __slots__ = ("body", "client", "headers", "method", "shape", "url")

    def __init__(
        self, method: str, url: str, headers: Headers, body: bytes = b"", client: str = ""
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.client = client
        self.shape: dict[str, Any] | None = None


class Failure(Data):
    """A transport error as an outcome: data enough to raise the client's own exception again.

    Args:
        kind: ``dns``, ``refused``, ``connect_timeout``, ``tls``, ``connect``, ``read_timeout``,
            ``reset``, ``disconnected``, ``truncated``, ``protocol``, or the caller's own doing:
            ``partial`` (it closed the response before its end), ``cancelled``, ``own``,
            ``unread`` (it never asked for the response).
        message: the text of the live exception.
        errno: the operating system's error number, or 0.
        phase: ``connect``, ``head`` or ``body``.
        raw: the bytes received instead of a response head (latin-1), where there were any.
        client: the client that failed; only it can raise ``chain`` again.
        chain: the exception and its causes as (module, class, arguments).
    """

    __slots__ = ("chain", "client", "errno", "kind", "message", "phase", "raw")

    def __init__(  # noqa: PLR0913
        self, kind: str, message: str = "", errno: int = 0, phase: str = CONNECT, raw: str = "",
        *, client: str = "", chain: Chain | None = None,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.message = message
        self.errno = errno
        self.phase = phase
        self.raw = raw
        self.client = client
        self.chain = chain or []

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "kind": self.kind,
            "message": self.message,
            "errno": self.errno,
            "phase": self.phase,
            "raw": self.raw,
            "client": self.client,
            "chain": self.chain,
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
            client=str(data.get("client", "")),
            chain=[(str(m), str(n), list(a)) for m, n, a in data.get("chain", ())],
        )


class Head(Data):
    """Status line and header fields of a response.

    Args:
        status: status code.
        reason: reason phrase, as sent.
        version: ``1.0``, ``1.1`` or ``2``.
        headers: header fields in order, duplicates kept.
        interim: (status, reason, headers) of responses that came before, such as 103; some clients
            take them for the answer. 100 is left out but by tornado: no other client shows it.
        trailers: fields behind a chunked body (RFC 9112 section 7.1.2); only libcurl shows them.
    """

    __slots__ = ("headers", "interim", "reason", "status", "trailers", "version")

    def __init__(  # noqa: PLR0913, PLR0917
        self, status: int, reason: str, version: str, headers: Headers,
        interim: list[tuple[int, str, Headers]] | None = None, trailers: Headers | None = None,
    ) -> None:  # fmt: skip
        self.status = status
        self.reason = reason
        self.version = version
        self.headers = headers
        self.interim = interim or []
        self.trailers = trailers or []


def is_suspect(head: Head | None, failure: Failure | None) -> bool:
    """Whether an answer is a busy server's or a transport error."""
    if failure is not None and failure.kind not in _CALLERS:
        return True
    return head is not None and head.status in TRANSIENT_STATUSES


class Captured(Data):
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
        chunks: lengths of the body's chunks as (length, how many in a row), where it had any.
    """

    __slots__ = (
        "attempt", "body", "body_file", "body_sha256", "body_size", "chunks", "failure", "head",
        "key", "live_ms", "recorded_at", "request", "started", "test", "vary",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913
        self, key: str, request: Request, head: Head | None, *, body_sha256: str = "",
        body_size: int = 0, body: bytes = b"", body_file: str | None = None,
        recorded_at: float = 0.0, live_ms: float = 0.0, test: str | None = None,
        started: float = 0.0, attempt: int = 0,
        vary: dict[str, str] | None = None, failure: Failure | None = None,
        chunks: Chunks | None = None,
    ) -> None:  # fmt: skip
        self.key = key
        self.request = request
        self.head = head
        self.body_sha256 = body_sha256
        self.body_size = body_size
        self.body = body
        self.body_file = body_file
        self.recorded_at = recorded_at
        self.live_ms = live_ms
        self.test = test
        self.started = started
        self.attempt = attempt
        self.vary = vary
        self.failure = failure
        self.chunks = chunks or []

    @property
    def suspect(self) -> bool:
        """Whether only a passing test can vouch for this answer."""
        return is_suspect(self.head, self.failure)


class Take(Data):
    """One recorded answer, as the reader hands it to a client's adapter.

    ``body`` is set for bodies kept inline; a larger one is the file ``body_path``. ``asked`` are
    the header fields of the request that was recorded, where the answer may depend on them or on
    the time of the day, and ``recorded_at`` then the time of the recording in Unix seconds. One
    that is ``held`` is to be asked for again, and nobody's to change.
    """

    __slots__ = (
        "asked", "body", "body_path", "body_sha256", "body_size", "chunks", "failure", "head",
        "held", "key", "recorded_at", "take", "vary",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913
        self, key: str, take: int, head: Head | None, body_size: int = 0, body_sha256: str = "",
        *, body: bytes | None = None, body_path: str | None = None,
        failure: Failure | None = None, vary: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.key = key
        self.take = take
        self.head = head
        self.body_size = body_size
        self.body_sha256 = body_sha256
        self.body = body
        self.body_path = body_path
        self.failure = failure
        self.vary = vary
        self.chunks: Chunks = []
        self.asked: Headers | None = None
        self.recorded_at = 0.0
        self.held = False
