"""What selects an entry, and what must not."""

from __future__ import annotations

import gzip
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordbake.guest import keys
from recordbake.guest.exchange import Head, Request
from recordbake.guest.keys import (
    body_digest,
    credential_kind,
    host_of,
    known_as,
    normalise_url,
    port_of,
    request_key,
    vary_matches,
    vary_of,
)
from recordbake.guest.redaction import parameter_pattern

URL = "https://api.example.org/items?a=1&a=2"


def key(url=URL, method="GET", headers=(), body=b""):
    return request_key(Request(method, url, list(headers), body))


@pytest.mark.parametrize(
    "other",
    [
        "https://api.example.org/items?a=2&a=1",
        "https://api.example.org/items?a=1",
        "https://api.example.org//items?a=1&a=2",
        "https://api.example.org/items/?a=1&a=2",
        "https://api.example.org/Items?a=1&a=2",
        "http://api.example.org/items?a=1&a=2",
        "https://api.example.org:8443/items?a=1&a=2",
        "https://api.example.org/items?a=1&a=2&b=",
    ],
)
def test_urls_that_servers_tell_apart(other):
    assert key(other) != key()


@pytest.mark.parametrize(("one", "two"), [("a+b", "a%20b"), ("%E2%82%AC", "€"), ("%2F", "/")])
def test_encodings_stay_distinct(one, two):
    assert key(f"https://x.example/{one}") != key(f"https://x.example/{two}")


@pytest.mark.parametrize(
    "same",
    [
        "HTTPS://API.EXAMPLE.org/items?a=1&a=2",
        "https://api.example.org:443/items?a=1&a=2",
        "https://api.example.org/items?a=1&a=2#fragment",
    ],
)
def test_urls_that_mean_the_same(same):
    assert key(same) == key()


def test_no_path_is_the_root():
    assert normalise_url("https://x.example") == "https://x.example/"
    assert normalise_url("https://x.example?a=1") == "https://x.example/?a=1"


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://localhost:8000/a", 8000),
        ("http://user:1@localhost/:2", 80),
        ("https://[::1]", 443),
        ("https://[::1]:8443/", 8443),
        ("ftp://localhost/", None),
        ("/a", None),
    ],
)
def test_ports(url, port):
    assert port_of(url) == port


SIGNED = [
    "https://s3.example/k?X-Amz-Algorithm=A&X-Amz-Date={0}&X-Amz-Signature={0}",
    "https://cdn.example/k?Expires={0}&Signature={0}&Key-Pair-Id={0}",
    "https://blob.example/k?sv={0}&se={0}&sr=b&sig={0}",
    "https://gcs.example/k?X-Goog-Date={0}&X-Goog-Signature={0}",
    "https://oss.example/k?OSSAccessKeyId={0}&Expires={0}&Signature={0}&security-token={0}",
    "https://oss.example/k?x-oss-date={0}&x-oss-credential={0}&x-oss-signature={0}",
    "https://cos.example/k?q-sign-time={0}&q-ak={0}&q-signature={0}&x-cos-security-token={0}",
    "https://api.example/k?access_token={0}",
]


@pytest.mark.parametrize("url", SIGNED)
def test_signatures_and_tokens_are_not_compared_nor_kept(url):
    assert key(url.format("11")) == key(url.format("22"))
    assert "s3cr3t" not in normalise_url(url.format("s3cr3t"))


def test_expires_without_a_signature_is_compared():
    assert key("https://x.example/?Expires=1") != key("https://x.example/?Expires=2")


def test_redaction_is_idempotent_so_stored_urls_have_the_same_key():
    for url in SIGNED:
        once = normalise_url(url.format("1"))
        assert normalise_url(once) == once
        assert key(once) == key(url.format("2"))


def test_the_users_own_parameters():
    extra = parameter_pattern(["nonce"])
    one, two = (Request("GET", f"https://x.example/?nonce={n}", []) for n in "12")
    assert request_key(one, extra) == request_key(two, extra)
    assert request_key(one) != request_key(two)


@pytest.mark.parametrize("header", ["Range", "If-None-Match", "if-modified-since"])
def test_ranges_and_conditions_count(header):
    assert len({key(), key(headers=[(header, "1")]), key(headers=[(header, "2")])}) == 3


def test_credentials_count_by_kind_never_by_value():
    alice, bob = ([("Authorization", f"Bearer {who}")] for who in ("alice", "bob"))
    assert key(headers=alice) == key(headers=bob) != key()
    assert key(headers=[("Cookie", "a=1")]) == key(headers=[("cookie", "b=2")]) != key()
    assert credential_kind([("x-api-key", "1"), ("Cookie", "2")]) == "ac"
    assert credential_kind([], "https://user:secret@x.example/") == "a"
    assert "secret" not in normalise_url("https://user:secret@x.example/")


def test_a_password_with_an_at_sign_is_taken_out_whole():
    """Clients end the userinfo at the last one, whatever RFC 3986 says of its characters."""
    assert normalise_url("https://user:p@secret@x.example/a@b") == "https://x.example/a@b"


JSON = [("Content-Type", "application/json")]


def test_json_bodies():
    def post(body):
        return key(method="POST", headers=JSON, body=body)

    assert post(b'{"a": 1, "b": [1, 2]}') == post(b'{"b":[1,2],"a":1}')
    assert post(b'{"b": [1, 2]}') != post(b'{"b": [2, 1]}')
    assert post(b'{"a": 1}') != post(b'{"a": "1"}')
    assert post(b"not json") != post(b"not json either")
    assert post(b"[" * 100_000) != post(b"")


def test_of_gzip_bodies_the_content_counts():
    def body(data, time, level):
        return gzip.compress(data, level, mtime=time)

    json = "application/json"
    one = body_digest(body(b'{"a": 1, "b": 2}', 1, 9), json)
    assert one == body_digest(body(b'{"b": 2, "a": 1}', 2, 1), json)
    assert one != body_digest(body(b'{"b": 2, "a": 2}', 1, 9), json)


def test_of_zlib_bodies_the_content_counts():
    json = "application/json"
    one = body_digest(zlib.compress(b'{"a": 1, "b": 2}', 9), json)
    assert one == body_digest(zlib.compress(b'{"b": 2, "a": 1}', 1), json)
    assert one != body_digest(zlib.compress(b'{"b": 2, "a": 2}', 9), json)


def test_text_that_begins_like_zlib_is_compared_as_it_is():
    for body in (b"x\x9c is text", b"x", b"xyz", zlib.compress(b"text" * 9)[:-1]):
        assert body_digest(body, "") == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b + b"more", lambda b: b[:12]])
def test_damaged_gzip_bodies_are_compared_as_they_are(damage):
    one, two = (damage(gzip.compress(b"text" * 9, mtime=time)) for time in (1, 2))
    assert body_digest(one, "") == hashlib.sha256(one).hexdigest() != body_digest(two, "")


def test_multipart_boundaries_are_neutral():
    def post(boundary, content):
        body = f"--{boundary}\r\n\r\n{content}\r\n--{boundary}--".encode()
        headers = [("Content-Type", f"multipart/form-data; boundary={boundary}")]
        return key(method="POST", headers=headers, body=body)

    assert post("abc", "x") == post("def", "x") != post("abc", "y")


@given(st.text(), st.text())
def test_any_text_has_a_key(url, method):
    found = request_key(Request(method, url, [("X", url)], url.encode("utf-8", "replace")))
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    once = normalise_url(f"https://x.example/{text}")
    assert normalise_url(once) == once


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example:8/x", "a.example"),
        ("http://[::1]:80/", "::1"),
        ("https://u:p@h.example/", "h.example"),
        ("/relative", ""),
    ],
)
def test_host_of(url, host):
    assert host_of(url) == host


def test_vary_selects_by_the_named_headers_but_not_by_those_of_machines():
    request = Request("GET", URL, [("Accept", "a"), ("User-Agent", "x")])
    vary = vary_of(
        Head(200, "OK", "1.1", [("Vary", "Accept, User-Agent, Accept-Encoding")]), request
    )
    assert list(vary) == ["accept"]
    assert vary_matches(vary, [("accept", "a"), ("user-agent", "y")])
    assert not vary_matches(vary, [("Accept", "b")])
    assert vary_of(Head(200, "OK", "1.1", []), request) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example/a", "https://x.example:8443/a/b?c&d", "http://x.example:80/a",
        "https://x.example:443/a", "http://x.example:8080/a", "http://X.example/a",
        "http://u:secret@x.example/a", "http://x.example/a@b", "http://x.example/a#b",
        "http://x.example/?token=secret", "http://x.example", "http://[::1]/a", "nonsense",
        "http://x.example:/a", "http://x.example/a b", "HTTP://x.example/",
    ],
)  # fmt: skip
def test_a_url_that_is_plain_is_known_as_any_other(url):
    assert known_as(url) == keys._known_as(url, None)
    assert known_as(url) == (normalise_url(url), host_of(normalise_url(url)))
