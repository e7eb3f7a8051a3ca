"""Finding tokens fast finds what looking at every byte finds; codings are read whole or named."""

from __future__ import annotations

import gzip
import random
import re
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from recordbake import codings
from recordbake.codings import UnknownCodingError, decoded
from recordbake.token_forms import FORMS, finder, tokens

TOKENS = (
    b"hf_" + b"Ab1" * 11, b"ghp_" + b"a1B2" * 9, b"github_pat_" + b"a_1" * 30,
    b"AKIA" + b"ABCDEFGH12345678", b"eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJlLW9mLWl0",
    b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEow+/" * 8,
)  # fmt: skip
PIECES = st.one_of(
    st.sampled_from(TOKENS),
    st.sampled_from([b" ", b"-", b".", b"_", b"x", b"\n", b"hf_", b"eyJ", b"AKIA", b"-----BEGIN "]),
    st.binary(max_size=30),
    st.text("abcXYZ019_-.", max_size=40).map(str.encode),
)


def every(data: bytes) -> set[tuple[bytes, str]]:
    """By the forms alone."""
    return {
        (found[0], what)
        for _, form, what in FORMS
        for at in range(len(data))
        if (found := re.compile(form).match(data, at))
    }


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_nothing_is_missed_and_nothing_invented(data: bytes) -> None:
    assert set(tokens(data)) == every(data)


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:4].decode())
@pytest.mark.parametrize("kind", ["noise", "words", "identifiers", "one run"])
def test_a_token_is_found_anywhere(token: bytes, kind: str) -> None:
    source = random.Random(0)
    around = {
        "noise": source.randbytes(50_000), "words": b"some words, " * 4000,
        "identifiers": b"an_identifier_that_is_long " * 4000, "one run": b"." * 50_000,
    }[kind]  # fmt: skip
    for _ in range(5):
        at = source.randrange(len(around))
        data = around[:at] + b" " + token + b" " + around[at:]
        assert any(found.startswith(token[:60]) for found, _ in tokens(data))
    assert not list(tokens(around))


@given(st.lists(PIECES, max_size=40).map(b"".join), st.integers(0, 80), st.integers(0, 70))
def test_a_mark_is_found_where_python_finds_it(data: bytes, start: int, shift: int) -> None:
    """Whatever the length and the place in memory: vector instructions take many bytes at once."""
    shifted = memoryview(bytes(shift) + data)[shift:]
    for mark, *_ in FORMS:
        assert finder()(data, mark, start) == data.find(mark, start)
        assert finder()(shifted, mark, start) == data.find(mark, start)


PLAIN = b"what is inside, " * 5000


def raw_deflate(data: bytes) -> bytes:
    worker = zlib.compressobj(wbits=-15)
    return worker.compress(data) + worker.flush()


PACKED = {
    "gzip": gzip.compress(PLAIN), "deflate": zlib.compress(PLAIN),
    "zstd": zstandard.ZstdCompressor().compress(PLAIN), "br": brotli.compress(PLAIN),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
@pytest.mark.parametrize("name", PACKED)
def test_what_is_inside_is_read(name: str, size: int) -> None:
    packed = PACKED[name]
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(decoded(pieces, [name])) == PLAIN
    if name != "br":  # it has no mark
        assert codings.coding_of(packed) == name
    list(decoded([packed[:-3] + b"???"], [name]))  # damaged: no error


def test_several_members_and_several_codings_are_read() -> None:
    twice = gzip.compress(b"one ") + gzip.compress(b"two")
    assert b"".join(decoded([twice], ["gzip"])) == b"one two"
    frames = zstandard.ZstdCompressor().compress(b"one ") * 2
    assert b"".join(decoded([frames], ["zstd"])) == b"one one "
    assert b"".join(decoded([raw_deflate(PLAIN)], ["deflate"])) == PLAIN
    assert codings.codings("X-Gzip, identity, BR") == ["gzip", "br"]
    both = brotli.compress(gzip.compress(PLAIN))
    assert b"".join(decoded([both], ["gzip", "br"])) == PLAIN
    with pytest.raises(UnknownCodingError, match="compress"):
        decoded([b""], ["compress"])


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_is_read_in_small_pieces(name: str) -> None:
    bomb = {
        "gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[name](bytes(64 << 20))  # fmt: skip
    sizes = [len(piece) for piece in decoded([bomb], [name])]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 2 << 20


def test_a_brotli_that_knows_no_limit_is_fed_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Old:
        """Of releases before 1.2."""

        def __init__(self) -> None:
            self._worker = brotli_decompressor()

        def process(self, data: bytes) -> bytes:
            assert len(data) <= 4
            return self._worker.process(data)

    brotli_decompressor = brotli.Decompressor
    monkeypatch.setattr(brotli, "Decompressor", Old)
    assert b"".join(decoded([PACKED["br"]], ["br"])) == PLAIN
