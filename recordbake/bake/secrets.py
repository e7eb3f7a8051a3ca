"""Nothing that is baked has a secret in it that nobody accepted: store, bodies, Hub caches."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from recordbake import store
from recordbake.codings import PACKAGES
from recordbake.errors import SecretError
from recordbake.guest import codec
from recordbake.scanning import DIGEST_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from recordbake.scanning import Scanner


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
