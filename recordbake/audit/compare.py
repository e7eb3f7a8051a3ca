"""What changed between two stores: new, gone and changed requests, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """A request whose answers differ; sizes in bytes over all its takes, None where it is not."""

    change: str
    method: str
    url: str
    key: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Comparison:
    """What is different in a store; sizes in bytes, a body that is shared counts once.

    Args:
        other: the name of the store that it is compared with.
        new: requests that the other does not have.
        gone: requests that only the other has.
        changed: requests whose answers are others.
        bytes_before: bodies of the other.
        bytes_after: bodies of this one.
        differences: the requests, by change and URL.
    """

    other: str
    new: int
    gone: int
    changed: int
    bytes_before: int
    bytes_after: int
    differences: list[Difference]


def compare(other: str, before: pd.DataFrame, after: pd.DataFrame) -> Comparison:
    """Compare two stores by key: an answer is another one if a status or a body is.

    Args:
        other: the name of the store compared with.
        before: its entries.
        after: the entries of the audited store.
    """
    old, new = _by_key(before), _by_key(after)
    found = []
    for key in old.keys() | new.keys():
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and was.answers == now.answers:
            continue
        change = "new" if was is None else "gone" if now is None else "changed"
        known: Any = now or was
        found.append(Difference(change, known.method, known.url, key, _size(was), _size(now)))
    found.sort(key=lambda d: (d.change, d.url, d.method, d.key))
    counts = {c: sum(d.change == c for d in found) for c in ("new", "gone", "changed")}
    return Comparison(
        other, **counts, bytes_before=_bytes(before), bytes_after=_bytes(after), differences=found
    )


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    size: int
    answers: frozenset[tuple[int, str]]


def _size(request: _Request | None) -> int | None:
    return None if request is None else request.size


def _by_key(entries: pd.DataFrame) -> dict[str, _Request]:
    return {
        str(key): _Request(
            str(group["method"].iloc[0]),
            str(group["url"].iloc[0]),
            int(group["body_size"].sum()),
            frozenset(zip(group["status"], group["body_sha256"], strict=True)),
        )
        for key, group in entries.groupby("key")
    }


def _bytes(entries: pd.DataFrame) -> int:
    return int(entries.drop_duplicates("body_sha256")["body_size"].sum())
