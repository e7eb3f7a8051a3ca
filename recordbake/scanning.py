"""Looking for secrets in bytes and files.

Known forms of tokens, the values of this environment's secrets, and by salted hashes those of the
environments that the recording was made in. What is compressed is looked into (gzip, deflate, br,
zstd; the last two where their packages are installed); what could not be is named. Of a finding a
digest is shown, by which it can be accepted; never the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recordbake import seen_secrets
from recordbake.codings import UnknownCodingError, coding_of, codings, decoded
from recordbake.guest.known_secrets import Secrets, named_secrets
from recordbake.token_forms import ALL, finder, tokens
from recordbake.windows import filling, pieces_of, reading, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from recordbake.windows import Fill

#: How a finding begins that is the value of a variable, or of the Hub's token.
KNOWN_VALUE = "the value of "
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
            self._look_through(reading(stream, advance), where)
            stream.seek(0)
            names = codings(encoding) or [coding_of(stream.read(8))]
            stream.seek(0)
            self._inside(lambda: pieces_of(stream), names, where)

    def _inside(self, pieces: Callable[[], Iterable[bytes]], names: list[str], where: str) -> None:
        if not all(names):
            return
        try:
            self._look_through(filling(decoded(pieces(), names)), where)
        except UnknownCodingError as error:
            self.unread.setdefault(str(error), set()).add(where)

    def _look_through(self, fill: Fill, where: str) -> None:
        """Look into bytes that come in pieces; of each token is told once, and of the whole."""
        for view, own in windows(fill):
            self.look_at_text(view, where, own)

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


def scanner_for(recording: Path) -> Scanner:
    """A scanner for what this recording and this environment know."""
    return Scanner(seen_secrets.read(recording), os.environ)
