"""Known forms of tokens, found in any bytes at about the speed of reading them.

Sources: the providers' documentation of token formats; RFC 7519 (JWT), RFC 7468 (PEM).
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from recordbake.guest.redaction import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How a form begins, the form, and what it is. All but the last consist of ``_WRITTEN`` alone and
#: are as long as ``_SHORTEST``: :func:`tokens` looks only where there are so many of these.
FORMS = (
    (b"hf_", rb"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,64}", "a Hugging Face token"),
    *(
        (kind, rb"(?<![A-Za-z0-9_])" + kind + rb"[A-Za-z0-9]{36,255}", "a GitHub token")
        for kind in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
    ),
    (b"github_pat_", rb"(?<![A-Za-z0-9_])github_pat_[A-Za-z0-9_]{60,}", "a GitHub token"),
    (b"AKIA", rb"(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}(?![A-Za-z0-9])", "an AWS access key"),
    (b"ASIA", rb"(?<![A-Za-z0-9])ASIA[0-9A-Z]{16}(?![A-Za-z0-9])", "an AWS access key"),
    (
        b"eyJ",
        rb"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.(?!"
        + PLACEHOLDER.encode()
        + rb")[A-Za-z0-9_-]{16,}",
        "a JSON web token",
    ),
    (
        b"-----BEGIN",
        rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{40,}",
        "a private key",
    ),
)  # fmt: skip
_COMPILED = tuple((mark, re.compile(form), what) for mark, form, what in FORMS)
_TOKENS, _KEYS = _COMPILED[:-1], _COMPILED[-1:]
_KEY_END = b"PRIVATE KEY-----"
_SHORTEST = 20
_WRITTEN = frozenset((string.ascii_letters + string.digits + "_-.").encode())
_CLASSES = bytes(ord("x" if byte in _WRITTEN else " ") for byte in range(256))
_RUN = b"x" * _SHORTEST
#: Where there are more runs, looking at each costs more than looking at everything.
_MOST_RUNS = 1000


def tokens(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Every token of a known form in bytes, and what it is."""
    classes = data.translate(_CLASSES)
    at, seen = classes.find(_RUN), 0
    while at >= 0:
        end = classes.find(b" ", at) if seen < _MOST_RUNS else len(data)
        end = len(data) if end < 0 else end
        if _has_sign(data, at, end):
            yield from _between(_TOKENS, data, at, end)
        at, seen = classes.find(_RUN, end), seen + 1
    if _KEY_END in data:
        yield from _between(_KEYS, data, 0, len(data))


def _has_sign(data: bytes, start: int, end: int) -> bool:
    """Whether there is what is in each mark of ``_TOKENS``; most runs have nothing of it."""
    return (
        data.find(b"_", start, end) >= 0
        or data.find(b"eyJ", start, end) >= 0
        or data.find(b"IA", start, end) >= 0
    )


def _between(
    forms: tuple[tuple[bytes, re.Pattern[bytes], str], ...], data: bytes, start: int, end: int
) -> Iterator[tuple[bytes, str]]:
    for mark, pattern, what in forms:
        at = data.find(mark, start, end)
        while at >= 0:
            match = pattern.match(data, at)
            if match is not None:
                yield match[0], what
            at = data.find(mark, at + 1, end)
