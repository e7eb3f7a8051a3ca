"""Progress of long work, on a terminal only and only after a second."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def nothing(_: int) -> None:
    """Progress that nobody sees."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; nothing where that is no terminal or tqdm is not installed.

    Args:
        what: what is being done, a word or two.
        total: bytes in all.

    Yields:
        What to call with the number of bytes done since the last call.
    """
    try:
        from tqdm import tqdm
    except ImportError:  # an image that only replays has none
        yield nothing
        return
    with tqdm(
        desc=what, total=total, unit="B", unit_scale=True, delay=1, disable=None, leave=False
    ) as bar:

        def advance(count: int) -> None:
            bar.update(count)

        yield advance
