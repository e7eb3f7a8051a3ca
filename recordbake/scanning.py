"""Looking for secrets in what is recorded and about to be shipped: store, bodies, Hub caches.

Known forms of tokens, the values of this environment's secrets, and by salted hashes those of the
environments that the recording was made in. What is compressed is looked into (gzip, deflate, br,
zstd; the last two where their packages are installed); what could not be is named. Of a finding a
digest is shown, by which it can be accepted; never the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake import seen_secrets, store
from recordbake.codings import PACKAGES, UnknownCodingError, coding_of, codings, decoded
from recordbake.errors import SecretError
from recordbake.guest import codec
from recordbake.guest.known_secrets import Secrets, named_secrets
from recordbake.token_forms import ALL, finder, tokens

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

#: How a finding begins that is the value of a variable, or of the Hub's token.
KNOWN_VALUE = "the value of "
_CHUNK = 1 << 18
#: No secret that is looked for is longer; so much of each piece is looked at again with the next,
#: and the byte before, by which it is told whether a token begins there.
_OVERLAP = 4096
_HELD = 1 + _OVERLAP
#: Runs of characters that a value is looked for in, by hash: plain tokens, and all but separators.
_ALPHABETS = (rb"A-Za-z0-9_-", rb"A-Za-z0-9_+/=.~!@#$%^*-")
_NOT_TEXT = bytes([*range(9), *range(14, 32), *range(127, 256)])
#: Hexadecimal digits of a secret's sha256 that name it.
DIGEST_LENGTH = 16


@dataclass(frozen=True, order=True)
class Finding:
    """A secret that would be shipped.

    Args:
        where: the entry or file.
        what: what it is.
        digest: the first 16 hexadecimal digits of its sha256.
    """

    where: str
    what: str
    digest: str


class Scanner:
    """Looks for secrets; findings gather in ``found``.

    In ``unread`` gathers what was not looked into, by the coding that nobody here knows.

    Args:
        seen: from :func:`recordbake.seen_secrets.read`.
        environ: this process's environment.
    """

    def __init__(self, seen: Iterable[Mapping[str, Any]], environ: Mapping[str, str]) -> None:
        self.found: set[Finding] = set()
        self.unread: dict[str, set[str]] = {}
        self._known = {
            form: name
            for name, value in named_secrets(environ).items()
            for form in Secrets([value]).forms
        }
        self._hashed: dict[int, list[Mapping[str, Any]]] = {}
        for value in seen:
            self._hashed.setdefault(value["length"], []).append(value)
        self._runs = [
            (length, re.compile(b"(?<![%b])[%b]{%d}(?![%b])" % (kind, kind, length, kind)))
            for length in self._hashed
            for kind in _ALPHABETS
        ]

    def look(self, data: bytes, where: str, encoding: str = "") -> None:
        """Look into bytes that are at hand as a whole.

        Args:
            data: the bytes.
            where: what to call them.
            encoding: the value of their Content-Encoding field.
        """
        self.look_at_text(data, where)
        self._inside(lambda: [data], codings(encoding) or [coding_of(data[:8])], where)

    def file(
        self, path: Path, where: str, advance: Callable[[int], None], encoding: str = ""
    ) -> None:
        """Look into a file, and into what is compressed in it.

        Raises:
            OSError: it cannot be read.
        """
        with path.open("rb") as stream:
            self._look_through(_reading(stream, advance), where)
            stream.seek(0)
            names = codings(encoding) or [coding_of(stream.read(8))]
            stream.seek(0)
            self._inside(lambda: _read(stream), names, where)

    def _inside(self, pieces: Callable[[], Iterable[bytes]], names: list[str], where: str) -> None:
        if not all(names):
            return
        try:
            self._look_through(_filling(decoded(pieces(), names)), where)
        except UnknownCodingError as error:
            self.unread.setdefault(str(error), set()).add(where)

    def _look_through(self, fill: Callable[[memoryview], int], where: str) -> None:
        """Look into bytes that come in pieces; what begins in one is told of once, and whole.

        Args:
            fill: writes into a view, all of it unless there is no more; returns how many bytes.
            where: what to call them.
        """
        view = memoryview(bytearray(_HELD + _CHUNK))
        first = start = _HELD
        while True:
            size = fill(view[_HELD:])
            is_last = size < _CHUNK
            end = _HELD + size
            own = slice(start - first, (end if is_last else end - _OVERLAP) - first)
            self.look_at_text(view[first:end], where, own)
            if is_last:
                return
            view[:_HELD] = view[_CHUNK:end]
            first, start = 0, _HELD - _OVERLAP

    def is_clean(self, data: bytes) -> bool:
        """Whether a look at these bytes would surely find nothing."""
        if self._hashed or next(self._values(data), None) is not None:
            return False
        return next(tokens(data), None) is None

    def look_at_text(self, data: bytes | memoryview, where: str, own: slice = ALL) -> None:
        """Look into bytes that are not compressed.

        Args:
            data: the bytes.
            where: what to call them.
            own: where tokens begin that are told of; of others another piece has more.
        """
        for token, what in tokens(data, own):
            self._note(token, what, where)
        for form, name in self._values(data):
            self._note(form, f"{KNOWN_VALUE}{name}", where)
        if self._hashed and _is_text(whole := bytes(data)):
            self._look_for_hashes(whole, where)

    def _values(self, data: bytes | memoryview) -> Iterator[tuple[bytes, str]]:
        find = finder()
        return (known for known in self._known.items() if find(data, known[0], 0) >= 0)

    def _look_for_hashes(self, data: bytes, where: str) -> None:
        for length, pattern in self._runs:
            for candidate in set(pattern.findall(data)):
                for value in self._hashed[length]:
                    digest = seen_secrets.digest_of(value["salt"], candidate)
                    if hmac.compare_digest(digest, value["digest"]):
                        self._note(candidate, f"{KNOWN_VALUE}{value['name']}", where)

    def _note(self, secret: bytes, what: str, where: str) -> None:
        digest = hashlib.sha256(secret).hexdigest()[:DIGEST_LENGTH]
        self.found.add(Finding(where, what, digest))


def _is_text(data: bytes) -> bool:
    """Whether so few bytes are not text that a written token may be among them."""
    sample = data[:: max(1, len(data) // 4096)]
    return len(sample) - len(sample.translate(None, _NOT_TEXT)) < 0.3 * len(sample)


def _reading(stream: io.BufferedReader, advance: Callable[[int], None]) -> Callable[[Any], int]:
    """What fills a view from a file, without a copy."""

    def fill(view: memoryview) -> int:
        size = stream.readinto(view)
        advance(size)
        return size

    return fill


def _filling(pieces: Iterator[bytes]) -> Callable[[memoryview], int]:
    """What fills a view from pieces of any length."""
    rest = memoryview(b"")

    def fill(view: memoryview) -> int:
        nonlocal rest
        filled = 0
        for piece in itertools.chain([rest], map(memoryview, pieces)):
            size = min(len(piece), len(view) - filled)
            view[filled : filled + size] = piece[:size]
            filled += size
            rest = piece[size:]
            if filled == len(view):
                break
        return filled

    return fill


def _read(stream: io.BufferedReader) -> Iterator[bytes]:
    while data := stream.read(_CHUNK):
        yield data


def not_looked_into(scanner: Scanner) -> list[str]:
    """Sentences about what a scanner could not decode."""
    return [
        f"not looked into for secrets: {len(found)} bodies in {coding}, such as {min(found)}"
        + (f" (pip install {PACKAGES[coding]})" if coding in PACKAGES else "")
        for coding, found in sorted(scanner.unread.items())
    ]


def refuse_secrets(
    scanner: Scanner,
    path: Path,
    files: Iterable[tuple[Path, str]],
    allowed: Iterable[str],
    advance: Callable[[int], None],
) -> None:
    """Look into everything that is to be shipped.

    Args:
        scanner: what to look with.
        path: the store.
        files: what else is shipped, with its name there.
        allowed: digests that are accepted.
        advance: for progress.

    Raises:
        SecretError: there is a secret; says where and what.
    """
    _scan_store(scanner, path)
    bodies = _bodies(path)
    for source, name in files:
        if source != path:
            where, encoding = bodies.get(name.rpartition("/")[2], (name, ""))
            scanner.file(source, where, advance, encoding)
    accepted = {digest.removeprefix("sha256:")[:DIGEST_LENGTH] for digest in allowed}
    found = sorted(f for f in scanner.found if f.digest not in accepted)
    if not found:
        return
    lines = [f"{finding.what} in {finding.where} ({finding.digest})" for finding in found]
    raise SecretError(
        "the bake would ship secrets",
        where="\n         ".join(
            lines[:20] + ([f"and {len(lines) - 20} more"] if lines[20:] else [])
        ),
        next_step="record without them, or accept each: recordbake bake --allow-secret DIGEST",
    )


def _scan_store(scanner: Scanner, path: Path) -> None:
    query = (
        "SELECT method || ' ' || url AS name, value, failure, test, content_encoding FROM entries"
        " LEFT JOIN responses ON responses.key = response_key"
    )
    with closing(store.connect_readonly(path)) as connection:
        for name, value, failure, test, encoding in connection.execute(query):
            for text in (name, failure, test):
                scanner.look(str(text or "").encode("utf-8", "surrogateescape"), name)
            if value is not None:
                _, _, body = codec.decode_value(value)
                end = len(value) - len(body or b"")
                scanner.look(value[:end], name)
                if body:
                    scanner.look(body, name, str(encoding or ""))


def _bodies(path: Path) -> dict[str, tuple[str, str]]:
    """The entry of each body that is a file, to name it by, and its Content-Encoding."""
    query = "SELECT body_sha256, method || ' ' || url, content_encoding FROM entries"
    with closing(store.connect_readonly(path)) as connection:
        rows = connection.execute(query)
        return {str(sha256): (str(name), str(coding or "")) for sha256, name, coding in rows}


def scanner_for(recording: Path) -> Scanner:
    """A scanner for what this recording and this environment know."""
    return Scanner(seen_secrets.read(recording), os.environ)
