"""What a row's value says of an answer is put into its take, however little of it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordbake.guest import codec, row_values
from recordbake.guest.exchange import Failure, Head, Take
from tests.support.sample import captured

TEXT = st.text(st.characters(exclude_characters="\n"), max_size=12)
TRICKY = st.sampled_from([
    ',"status":', ',"request_headers":', '"},"recorded_at":', ',"check":"', "\\", '"',
    "content-encoding", "Set-Cookie", "Retry-After", '"headers":[[', "\xe9", "x" * 300,
])  # fmt: skip
FIELDS = st.lists(st.tuples(TEXT | TRICKY, TEXT | TRICKY | st.just("a\r\n b")), max_size=5)
HEADS = st.builds(Head, st.integers(100, 599), TEXT | TRICKY, st.sampled_from(["1.0", "1.1", "2"]),
                  FIELDS, st.just([]) | st.just([(103, "Hints", [("C", "d")])]),
                  st.just([]) | FIELDS)  # fmt: skip
CHUNKS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3)


def value_of(head, body=b"body", chunks=(), **changed):
    entry = captured("https://x.example/?a=" + changed.pop("query", ""), body)
    entry.head, entry.chunks = head, list(chunks)
    entry.request.headers = [("Accept-Encoding", "br"), ('"status":', ',"request_headers":[]')]
    for name, value in changed.items():
        setattr(entry, name, value)
    take = Take(entry.key, 0, None, entry.body_size, entry.body_sha256)
    return take, codec.encode_value(entry)


def put(take, value):
    row_values.put_value(take, value)
    return take


@given(head=HEADS, body=st.binary(max_size=50), chunks=CHUNKS, query=TEXT | TRICKY)
def test_a_take_has_what_its_value_says(head, body, chunks, query):
    take, value = value_of(head, body, chunks, query=query)
    meta, decoded, data = codec.decode_value(value)
    put(take, value)
    assert (take.head, take.body, take.chunks) == (decoded, data, meta["chunks"])
    assert take.head == head
    if any(name.lower() == "content-encoding" for name, _ in head.headers):
        assert take.asked == [tuple(pair) for pair in meta["request_headers"]]
        assert take.recorded_at == meta["recorded_at"]


@pytest.mark.parametrize("chunks", [(), [(3, 2), (1, 1)]])
@pytest.mark.parametrize("size", [0, 4, codec.INLINE_LIMIT + 1])
@pytest.mark.parametrize(
    "fields", [[], [("A", "b")], [("Content-Encoding", "br"), ("ETag", '"1"')]]
)
def test_of_most_values_only_the_head_is_read(fields, size, chunks, monkeypatch):
    head = Head(200, "OK", "1.1", fields)
    take, value = value_of(head, b"x" * min(size, 4), chunks, body_size=min(size, 4))
    if size > codec.INLINE_LIMIT:
        take, value = value_of(head, b"", chunks, body_size=size, body_sha256="ab" * 32)
    monkeypatch.setattr(codec, "decode_value", None)
    put(take, value)
    assert (take.head, take.chunks) == (head, list(chunks))
    assert take.body == (None if size > codec.INLINE_LIMIT else b"x" * size)
    assert (take.asked is None) == (len(fields) < 2)


def test_any_changed_bit_is_found():
    take, value = value_of(Head(200, "OK", "1.1", [("A", "b")]))
    for place in range(len(value)):
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = bytearray(value)
            changed[place] ^= bit
            fresh = Take(take.key, 0, None, take.body_size, take.body_sha256)
            with pytest.raises(codec.DAMAGE):
                put(fresh, bytes(changed))
            assert fresh.head is None


@pytest.mark.parametrize("change", [
    {"body_size": 5}, {"body_sha256": "0" * 64}, {"body_sha256": "../x"},
])  # fmt: skip
def test_another_rows_value_is_refused(change):
    take, value = value_of(Head(200, "OK", "1.1", []))
    for name, is_ours in change.items():
        setattr(take, name, is_ours)
    with pytest.raises(codec.DAMAGE):
        put(take, value)


@pytest.mark.parametrize("value", [None, 5, "text", b"", codec.MAGIC, b"recordbake/2\n{}\n"])
def test_what_is_no_value_is_refused(value):
    with pytest.raises(codec.DAMAGE):
        put(Take("k", 0, None, 0, ""), value)


def test_a_line_break_in_a_field_is_refused_and_folding_is_not():
    entry, value = value_of(Head(200, "OK", "1.1", [("A", "b\r\n c")]))
    assert put(entry, value).head.headers == [("A", "b\r\n c")]
    entry, value = value_of(Head(200, "OK", "1.1", [("A", "b\r\nEvil: c")]))
    with pytest.raises(codec.CodecError):
        put(entry, value)


def test_a_failure_in_a_body_does_not_matter_here():
    head = Head(200, "OK", "1.1", [("A", "b")])
    take, value = value_of(head, failure=Failure("reset", phase="body"))
    assert put(take, value).head == head
