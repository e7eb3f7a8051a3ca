"""One live exchange while it happens: counts and keeps its body, then reports it, once."""

from __future__ import annotations

import hashlib
import os
import posix

from . import clock
from .codec import INLINE_LIMIT
from .descriptors import open_file
from .exchange import BODY, CANCELLED, HEAD, PARTIAL, Captured, Failure, header
from .known_secrets import Secrets, Stream, hide_fields, recoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .exchange import Chunks, Head, Headers
    from .plan import Plan

# A suite may replace functions of Python by mocks; these are the real ones.
_write, _close, _unlink = posix.write, posix.close, posix.unlink
_getpid, _sha256 = posix.getpid, hashlib.sha256

#: Runs of equal chunks that are kept; where a body has more, the rest comes in other pieces.
_MAX_RUNS = 4096


class Capture:
    """Collects a live exchange; large bodies go to a file as they come.

    Exactly one of :meth:`finish`, :meth:`fail` and :meth:`abandon` takes effect, the first.

    Args:
        plan: what was decided for the request.
        keep: whether the exchange is to be kept (else it is only counted).
        body_path: makes the path of a file for a large body.
        report: receives the finished exchange.
        secrets: values that are not kept.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        keep: bool,
        body_path: Callable[[], str],
        report: Callable[[Plan, Captured, Capture], None],
        secrets: Secrets | None = None,
    ) -> None:
        self.plan = plan
        self.keep = keep
        self.head: Head | None = None
        self.retries = 0
        self.done = False
        self.lost: OSError | None = None
        #: The host of a proxy that is asked, where a thread of a pool may look its name up.
        self.proxy: str | None = None
        self.size = 0
        self.sent = 0
        self._secrets = Secrets() if secrets is None else secrets
        self._stream = Stream(self._secrets) if self._secrets else None
        self._body_path = body_path
        self._report = report
        self._started = clock.monotonic()
        self.recorded_at = clock.now()
        self._digest = _sha256()
        self._inline = bytearray()
        self._fd = -1
        self._pid = _getpid()
        self._file: str | None = None
        self._chunks: Chunks = []
        self._count_chunks = keep
        self.torn = False

    @property
    def is_ours(self) -> bool:
        """Whether this process made the request; a forked child leaves it to its parent."""
        return self._pid == _getpid()

    def write(self, data: bytes) -> None:
        """Add body bytes, without transfer framing."""
        self.sent += len(data)
        if not self.keep:
            self.size += len(data)
            return
        self.torn = True  # until it is kept whole: a signal may interrupt this
        self._keep(data if self._stream is None else self._stream.feed(data))
        self.torn = False

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)
        if self._fd < 0:
            self._inline += data
            if len(self._inline) <= INLINE_LIMIT:
                return
            data = bytes(self._inline)
            self._inline.clear()
        try:
            self._write_file(data)
        except OSError as error:
            self._lose(error)

    def _write_file(self, data: bytes) -> None:
        if self._fd < 0:
            self._file = self._body_path()
            self._fd = open_file(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        view = memoryview(data)
        while view:
            view = view[_write(self._fd, view) :]

    def _lose(self, error: OSError) -> None:
        """The body cannot be kept; the caller gets it all the same, and the disk its space."""
        self.keep = False
        self.lost = error
        if self._fd >= 0 and self._file:
            _close(self._fd)
            self._fd = -1
            _unlink(self._file)

    def chunk(self, length: int) -> None:
        """A chunk of that many bytes begins."""
        runs = self._chunks
        if not self._count_chunks:
            return
        if runs and runs[-1][0] == length:
            runs[-1] = (length, runs[-1][1] + 1)
        else:
            runs.append((length, 1))
            self._count_chunks = len(runs) < _MAX_RUNS

    def finish(self, failure: Failure | None = None) -> None:
        """The exchange has ended; report it."""
        if self.done:
            return
        self.done = True
        if not self.is_ours:
            return
        if self.torn:
            self.keep = False
        if self.keep:
            self._clean()
        if self._fd >= 0:
            _close(self._fd)
        captured = Captured(
            key=self.plan.key,
            request=self.plan.request,
            head=self.head,
            body_sha256=self._digest.hexdigest(),
            body_size=self.size,
            body=bytes(self._inline),
            body_file=self._file.rpartition("/")[2] if self._file else None,
            recorded_at=self.recorded_at,
            live_ms=(clock.monotonic() - self._started) * 1000,
            test=self.plan.test,
            attempt=self.plan.attempt,
            started=self._started,
            failure=failure,
            chunks=self._chunks,
        )
        self._report(self.plan, captured, self)

    def _clean(self) -> None:
        """Take out what can only be seen in the whole body."""
        if self._stream is not None:
            self._keep(self._stream.finish())
        if self.head is None or not self.keep or not (self._secrets or self._fd < 0):
            return
        content_type = header(self.head.headers, "content-type") or ""
        encoding = header(self.head.headers, "content-encoding")
        try:
            if encoding is not None:
                body = recoded(self._body(), encoding, content_type, self._secrets)
                if body is not None:
                    self._replace(body)
            elif self._fd < 0:
                body = hide_fields(bytes(self._inline), content_type)
                if body != self._inline:
                    self._replace(body)
        except OSError as error:
            self._lose(error)

    def _body(self) -> bytes:
        if self._fd < 0 or self._file is None:
            return bytes(self._inline)
        with open(self._file, "rb") as stream:
            return stream.read()

    def _replace(self, body: bytes) -> None:
        """Keep other bytes than those that came; nothing of the first remains."""
        if self._fd >= 0 and self._file is not None:
            _close(self._fd)
            _unlink(self._file)
            self._fd, self._file = -1, None
        self._inline.clear()
        self._digest, self.size = _sha256(), 0
        self._keep(body)
        if self.size != self.sent:
            self._chunks = []

    def fail(self, failure: Failure) -> None:
        """The transport failed; with a head, the failure is in the body."""
        if self.head is not None:
            failure.phase = BODY
        failure.client = self.plan.request.client
        self.finish(failure)

    def cancel(self) -> None:
        """The caller cancelled the request; a replay lets it wait until it does so again."""
        self.fail(Failure(CANCELLED, "cancelled by the caller", phase=HEAD))

    def abandon(self) -> None:
        """The caller closed the response before its end; what was read is kept as that."""
        phase = BODY
        if self.head is None and not self.done:
            self.keep, phase = False, HEAD  # nothing came, and nobody waited for it
        self.finish(Failure(PARTIAL, "closed by the caller before its end", phase=phase))


def set_length(headers: Headers, size: int, sent: int) -> None:
    """Let Content-Length fit a body that was kept with another size than it was sent with."""
    if size != sent:
        for number, (name, _) in enumerate(headers):
            if name.lower() == "content-length":
                headers[number] = (name, str(size))
