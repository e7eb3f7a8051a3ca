"""What an installation without dependencies lacks is named, with the words that install it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from recordbake.audit import remote
from recordbake.bake import compression
from recordbake.errors import UsageError
from recordbake.token_forms import finder, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDED: dict[str, tuple[Callable[[], object], str]] = {
    "stringzilla": (lambda: list(tokens(b"nothing")), "pip install recordbake"),
    "deflate": (lambda: compression.compressor("gzip", io.BytesIO()), "pip install recordbake"),
    "zstandard": (
        lambda: compression.compressor("zstd", io.BytesIO()), "pip install 'recordbake[zstd]'",
    ),
    "duckdb": (lambda: remote.counted((["x"], [])), "pip install 'recordbake[duckdb]'"),
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    finder.cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    ask, remedy = NEEDED[name]
    with pytest.raises(UsageError, match=f"needs the package {name}\n") as caught:
        ask()
    assert caught.value.next_step == remedy
