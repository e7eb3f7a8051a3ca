"""Known forms of tokens, found in any bytes at about the speed of reading them.

Sources: the providers' documentation of token formats; RFC 7519 (JWT), RFC 7468 (PEM).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, cast

from recordbake.guest.redaction import PLACEHOLDER
from recordbake.packages import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How a form begins, the form, and what it is.
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
ALL = slice(None)
_COMPILED = tuple((mark, re.compile(form), what) for mark, form, what in FORMS)


@functools.cache
def finder() -> Callable[[bytes | memoryview, bytes, int], int]:
    """As ``bytes.find``, with the processor's vector instructions: of any bytes, not only of some.

    Raises:
        UsageError: the package stringzilla is not installed.
    """
    package = needed(
        "stringzilla", "looking for secrets", where="recordbake bake, recordbake audit"
    )
    return cast("Callable[[bytes | memoryview, bytes, int], int]", package.find)


def tokens(data: bytes | memoryview, own: slice = ALL) -> Iterator[tuple[bytes, str]]:
    """Every token of a known form in bytes, and what it is.

    Args:
        data: the bytes.
        own: where it begins.

    Raises:
        UsageError: the package stringzilla is not installed.
    """
    find = finder()
    start, end, _ = own.indices(len(data))
    for mark, pattern, what in _COMPILED:
        at = find(data, mark, start)
        while 0 <= at < end:
            match = pattern.match(data, at)
            if match is not None:
                yield match[0], what
            at = find(data, mark, at + 1)
