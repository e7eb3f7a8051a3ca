"""Of a request's body is kept where another one differs, and nothing that gives it away."""

from __future__ import annotations

import gzip
import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordbake.guest.exchange import DamagedStoreError
from recordbake.guest.reader import StoreReader
from recordbake.guest.shape import body_shape, differing
from tests.support.sample import captured, make_recording

JSON = "application/json; charset=utf-8"
MULTIPART = "multipart/form-data; boundary=abc"


def test_no_body_has_no_shape():
    assert body_shape(b"", JSON) is None


def test_paths_and_short_marks_are_all_that_is_kept():
    body = {"user": {"name": "Ada Lovelace"}, "list": [{"id": 7}, 8], "empty": {}}
    shape = body_shape(json.dumps(body).encode(), JSON)
    assert shape["kind"] == "json"
    assert list(shape["fields"]) == ["user.name", "list[0].id", "list[1]", "empty"]
    assert all(len(mark) == 4 for mark in shape["fields"].values())
    assert "Ada" not in json.dumps(shape)


@pytest.mark.parametrize(
    "name",
    ["password", "userPassword", "api_key", "apiKey", "access_token", "client-secret", "pin"],
)  # fmt: skip
def test_of_secrets_not_even_a_mark_is_kept(name):
    shape = body_shape(json.dumps({"a": {name: "1234"}}).encode(), JSON)
    assert shape["fields"] == {f"a.{name}": ""}
    form = body_shape(f"{name}=1234".encode(), "application/x-www-form-urlencoded")
    assert form["fields"] == {name: ""}


def test_long_names_may_be_values():
    assert list(body_shape(json.dumps({"x" * 50: 1}).encode(), JSON)["fields"]) == ["*"]


def test_multipart():
    body = (
        b'--abc\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--abc\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nxyz\r\n'
        b"--abc--\r\n"
    )
    shape = body_shape(body, MULTIPART)
    assert list(shape["fields"]) == ["a", "file"]
    other = body_shape(body.replace(b"xyz", b"xyy"), MULTIPART)
    assert differing(shape, other) == ["body field file: another value than recorded"]


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": NaN'])
def test_what_cannot_be_parsed_is_told_by_its_size(body):
    assert body_shape(body, JSON) == {"kind": "bytes", "size": len(body), "fields": {}}


def test_gzip_is_looked_into():
    packed = body_shape(gzip.compress(b'{"a": 1}'), JSON)
    assert packed == body_shape(b'{"a": 1}', JSON)


def test_no_more_than_some_fields():
    body = json.dumps(list(range(5000))).encode()
    assert len(body_shape(body, JSON)["fields"]) == 200


@given(
    st.recursive(st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_equal_bodies_do_not_differ(value):
    body = json.dumps(value).encode()
    shape = body_shape(body, JSON)
    assert shape == body_shape(body, JSON)
    assert all("perhaps" in text for text in differing(shape, shape))


@pytest.mark.parametrize("shape", ["3", "{}", '{"kind": 1, "size": "x", "fields": {}}', "[1]"])
def test_a_tampered_shape_is_damage(tmp_path, shape):
    entry = captured("https://api.example.org/")
    recording = make_recording(tmp_path, [entry])
    assert StoreReader(str(recording.store)).request_of(entry.key)[1] is None
    with sqlite3.connect(recording.store) as connection:
        connection.execute(
            "UPDATE responses SET value = CAST(replace(CAST(value AS TEXT), ?, ?) AS BLOB)",
            ('"request_body":null', f'"request_body":{shape}'),
        )
    with pytest.raises(DamagedStoreError):
        StoreReader(str(recording.store)).request_of(entry.key)
