"""A miss says what is nearest, what differs and what to do; the texts are compared whole.

The expected texts are in ``expected/miss-NAME.txt``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from recordbake.guest.exchange import Head, Request
from recordbake.guest.explain import Advice, miss_message
from recordbake.guest.keys import request_key, vary_of
from recordbake.guest.likeness import Recorded, closest
from recordbake.guest.redaction import redact_request_headers
from recordbake.guest.shape import body_shape

EXPECTED = Path(__file__).parent / "expected"
HOST = "https://api.example.org"
ITEMS = f"{HOST}/items"
JSON = [("Content-Type", "application/json")]
ADVICE = Advice(
    "recordbake record --missing -- pytest -q", "recordbake record --missing -- pytest",
    "tests/test_b.py::test_two[a b]",
)  # fmt: skip


def request(method="GET", url=ITEMS, headers=(), body=b""):
    return Request(method, url, list(headers), body, "urllib3")


def recorded(asked, test="tests/test_a.py::test_one", vary=""):
    """An entry as the store keeps it."""
    headers = dict(asked.headers)
    shape = body_shape(asked.body, headers.get("Content-Type", ""))
    varied = vary_of(Head(200, "OK", "1.1", [("Vary", vary)] if vary else []), asked)
    neighbour = (asked.method, asked.url, test, request_key(asked))
    return Recorded(neighbour, redact_request_headers(asked.headers), shape, varied)


def post(text):
    return request("POST", ITEMS, JSON, text.encode())


#: Name -> what was asked for, and what the store has.
CASES = {
    "nothing": (request(), []),
    "service": (request(url="http://minio:9000/bucket"), []),
    "method": (request("PUT"), [recorded(request("POST"))]),
    "same-test": (
        request(url=f"{ITEMS}?page=2"),
        [recorded(request(url=f"{ITEMS}?page=1"), "tests/test_b.py::test_two[a b]")],
    ),
    "query": (
        request(url=f"{ITEMS}?page=2&size=9"),
        [recorded(request(url=f"{ITEMS}?page=1&size=9"))],
    ),
    "query-new": (request(url=f"{ITEMS}?q=x"), [recorded(request())]),
    "query-gone": (request(), [recorded(request(url=f"{ITEMS}?q=x"))]),
    "codings": (
        request(headers=[("Accept-Encoding", "gzip")]),
        [recorded(request(headers=[("Accept-Encoding", "gzip, br")]))],
    ),
    "query-order": (
        request(url=f"{ITEMS}?a=1&b=2"), [recorded(request(url=f"{ITEMS}?b=2&a=1"))]
    ),
    "volatile": (
        request(url=f"{ITEMS}?ts=1790000123&page=1"),
        [recorded(request(url=f"{ITEMS}?ts=1790000001&page=1"))],
    ),
    "path": (request(url=f"{HOST}/v2/items"), [recorded(request(url=f"{HOST}/v1/items"), None)]),
    "origin": (
        request(url=f"{HOST}:8443/items"), [recorded(request())]
    ),
    "range": (
        request(headers=[("Range", "bytes=0-99")]),
        [recorded(request(headers=[("Range", "bytes=0-9")]))],
    ),
    "condition": (request(headers=[("If-None-Match", '"abc"')]), [recorded(request())]),
    "credentials": (request(), [recorded(request(headers=[("Authorization", "Bearer s3cret")]))]),
    "vary": (
        request(headers=[("Accept", "text/csv")]),
        [recorded(request(headers=[("Accept", "text/html")]), vary="Accept")],
    ),
    "body-field": (
        post('{"user": {"name": "b", "age": 3}, "tags": ["x"]}'),
        [recorded(post('{"user": {"name": "a", "age": 3}, "tags": ["x"]}'))],
    ),
    "body-fields": (
        post('{"a": 1, "b": 2, "c": 3, "d": 4}'),
        [recorded(post('{"a": 9, "b": 9, "c": 9, "e": 9}'))],
    ),
    "body-nearest-of-many": (
        post('{"a": 1, "b": 2, "c": 3}'),
        [recorded(post('{"a": 9, "b": 9, "c": 3}')), recorded(post('{"a": 1, "b": 9, "c": 3}'))],
    ),
    "body-secret": (
        post('{"user": "a", "password": "one"}'),
        [recorded(post('{"user": "a", "password": "two"}'))],
    ),
    "body-form": (
        request("POST", ITEMS, [("Content-Type", "application/x-www-form-urlencoded")], b"a=1&b=2"),
        [recorded(request("POST", ITEMS,
                          [("Content-Type", "application/x-www-form-urlencoded")], b"a=1&b=3"))],
    ),
    "body-size": (
        request("POST", body=b"12345"), [recorded(request("POST", body=b"123"))],
    ),
    "body-gone": (request("POST"), [recorded(request("POST", body=b"123"))]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_whole_text(name):
    asked, store = CASES[name]
    text = miss_message(asked, asked.url, "tests/test_b.py::test_two[a b]", store, ADVICE)
    assert text + "\n" == (EXPECTED / f"miss-{name}.txt").read_text()


def test_every_expected_text_is_of_a_case():
    assert {path.stem for path in EXPECTED.glob("miss-*")} == {f"miss-{name}" for name in CASES}


def test_one_that_goes_live_and_no_test_known():
    text = miss_message(request(), ITEMS, None, [], Advice("recordbake record"), blocked=False)
    assert text == (
        "live miss: GET https://api.example.org/items: it is not in the recording\n"
        "  test:    none known (client: urllib3)\n"
        "  nearest: nothing was recorded from this host\n"
        "  next:    recordbake record"
    )


def test_a_fixtures_miss_says_so():
    text = miss_message(request(), ITEMS, "t.py::a", [], ADVICE, phase="setup")
    assert "\n  test:    t.py::a, in its setup (client: urllib3)\n" in text


def test_a_test_that_is_not_pytests_is_recorded_with_the_whole_command():
    assert Advice("all", "one", "suite.Case.test").command == "all"
    assert Advice("all", "", "t.py::test").command == "all"
    assert Advice("all", "one", "t.py::test[a'b]").command == "one 't.py::test[a'\"'\"'b]'"


@pytest.mark.parametrize(
    ("url", "nearest"),
    [
        (f"{ITEMS}?page=2&size=9", f"{ITEMS}?page=1&size=9"),
        (f"{ITEMS}?page=3", f"{ITEMS}?page=1&size=9"),
        (f"{ITEMS}/new?x", f"{ITEMS}/new"),
        (f"{HOST}/v2/users/7", f"{HOST}/v1/users/7"),
    ],
)
def test_the_nearest_entry(url, nearest):
    urls = [f"{ITEMS}?page=1&size=9", f"{ITEMS}/new", f"{HOST}/v1/users/7", f"{ITEMS}?z=1&y=9&x"]
    neighbours = [("GET", u, None, u) for u in urls]
    assert [n[1] for n in closest("GET", url, neighbours, 5)] == [nearest]


def test_all_entries_of_one_url_are_candidates_up_to_a_bound():
    neighbours = [("POST", ITEMS, None, str(n)) for n in range(9)] + [("GET", ITEMS, None, "g")]
    assert {n[3] for n in closest("POST", ITEMS, neighbours, 5)} <= set("012345678")
    assert len(closest("POST", ITEMS, neighbours, 5)) == 5
