"""What servers were asked, and when: noted as it is answered, and asked no faster than allowed."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

T = TypeVar("T")


class Notes(Generic[T]):
    """A file of answers, one a line, so that a run that was interrupted goes on where it stopped.

    Use it as a context manager. Lines that are not of this kind, or torn, are passed over.

    Args:
        path: the file; it and its directory are made if needed.
        kind: the dataclass of an answer, with a field ``at``: Unix seconds (UTC).
        keep_for: seconds that an answer counts.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, kind: type[T], keep_for: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        since = time.time() - keep_for
        #: Those that count, oldest first.
        self.known: list[T] = [a for a in _read(path, kind) if getattr(a, "at", 0.0) > since]
        self._stream = path.open("a", encoding="ascii")

    def add(self, answer: Any) -> None:
        """Note an answer."""
        self._stream.write(json.dumps(asdict(answer)) + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return
    for line in lines:
        try:
            yield kind(**json.loads(line))
        except (ValueError, TypeError):
            continue


class Pace:
    """Waits so long that no host is asked more often than allowed.

    Args:
        per_second: requests per second to one host, at most.
        sleep: waits that many seconds.
    """

    def __init__(self, per_second: float, sleep: Callable[[float], None]) -> None:
        self._gap = 1 / per_second
        self._sleep = sleep
        self._last: dict[str, float] = {}

    def wait(self, host: str) -> None:
        """Return when the host may be asked."""
        due = self._last.get(host, -self._gap) + self._gap - time.monotonic()
        if due > 0:
            self._sleep(due)

    def asked(self, host: str) -> None:
        """Note that the host was asked just now."""
        self._last[host] = time.monotonic()
