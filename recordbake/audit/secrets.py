"""Which entries of a store hold secrets, found as :mod:`recordbake.scanning` finds them."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake.codings import coding_of
from recordbake.guest.codec import INLINE_LIMIT, MAGIC
from recordbake.progress import progress
from recordbake.scanning import Scanner, scanner_for
from recordbake.store import body_path, connect_readonly

if TYPE_CHECKING:
    from pathlib import Path

    from recordbake.recording import Recording

_PILE = 1 << 16  # bytes that are looked at together


@dataclass(frozen=True, order=True)
class Secret:
    """A secret in an entry: what it is, and the digest by which it can be accepted."""

    what: str
    digest: str


def secrets_of(recording: Recording) -> dict[tuple[str, int], tuple[Secret, ...]]:
    """The secrets in entries, by key and take; what cannot be read is left out.

    Raises:
        sqlite3.Error: the store is damaged.
    """
    if not recording.store.is_file():
        return {}
    scanner = scanner_for(recording.path)
    files = _scan_rows(recording.store, scanner)
    with progress("looking for secrets", sum(_size(path) for path, _ in files.values())) as advance:
        for sha256, (path, coding) in files.items():
            if _size(path):
                scanner.file(path, sha256, advance, coding)
    found: dict[tuple[str, int], set[Secret]] = defaultdict(set)
    places = _entries_of(recording.store) if scanner.found else {}
    for secret in scanner.found:
        for name in places[secret.where]:
            found[name].add(Secret(secret.what, secret.digest))
    return {name: tuple(sorted(secrets)) for name, secrets in found.items()}


def _scan_rows(store: Path, scanner: Scanner) -> dict[str, tuple[Path, str]]:
    """Look into all that stands in the store; the other bodies, by digest, with their codings."""
    files = {}
    with closing(connect_readonly(store)) as connection:
        connection.row_factory = None
        connection.text_factory = bytes
        rows = connection.execute(
            "SELECT key, take, body_size, body_sha256, content_encoding, url, failure, test, value"
            " FROM entries"
            " LEFT JOIN (SELECT key AS r, value FROM responses) ON r = response_key"
        )
        pile = _Pile(scanner)
        for key, take, size, sha256, encoding, *texts, value in rows:
            where = f"{key.decode()} {take}"
            coding = (encoding or b"").decode("ascii", "replace")
            # A value is text, then the body: looked at as one, and the body alone if it is packed.
            pile.add(where, b"\n".join(filter(None, (*texts, value))))
            if type(size) is int and size > INLINE_LIMIT:
                name = sha256.decode("ascii", "replace")
                files[name] = (body_path(store.parent / "bodies", name), coding)
                continue
            body = _body(value or b"")
            if coding or coding_of(body[:8]):
                scanner.look(body, where, coding)
        pile.look()
    return files


class _Pile:
    """Small texts that are looked at together first: most have nothing in them."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._texts: list[tuple[str, bytes]] = []
        self._size = 0

    def add(self, where: str, text: bytes) -> None:
        """Add what an entry consists of."""
        self._texts.append((where, text))
        self._size += len(text)
        if self._size >= _PILE:
            self.look()

    def look(self) -> None:
        """Look at what has gathered."""
        if not self._scanner.is_clean(b"\n".join(text for _, text in self._texts)):
            for where, text in self._texts:
                self._scanner.look_at_text(text, where)
        self._texts, self._size = [], 0


def _body(value: bytes) -> bytes:
    """What stands below a stored value's line of JSON."""
    return value.removeprefix(MAGIC).partition(b"\n")[2]


def _entries_of(store: Path) -> dict[str, list[tuple[str, int]]]:
    """Key and take by what :func:`_scan_rows` calls an entry, and by the digest of its body."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with closing(connect_readonly(store)) as connection:
        for key, take, sha256 in connection.execute("SELECT key, take, body_sha256 FROM entries"):
            places[f"{key} {take}"].append((str(key), int(take)))
            places[str(sha256)].append((str(key), int(take)))
    return places


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
