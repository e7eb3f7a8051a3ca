"""A request's header fields are what httpx makes of them, by its own code where it does a thing."""

from __future__ import annotations

import importlib
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordbake.guest.clients import httpx_requests

LIBRARIES = ("httpx", "httpx2")
_NAMES = st.sampled_from(
    ["A", "a-B", "Host", "hOST", "Content-Length", "transfer-encoding", "\xe9"]
)
_FIELDS = st.lists(st.tuples(_NAMES, st.text(max_size=5)), max_size=4)
_BYTES = st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=5)), max_size=4)
_URLS = st.sampled_from(["http://x.example/", "http://u:p@X.example:81/a?b", "/a", "", "https:///",
                         "http://[::1]:8/", "http://m\xfcller.example/"])  # fmt: skip
_METHODS = st.sampled_from(["GET", "get", "HEAD", "POST", "PUT", "QUERY", "DELETE", "X"])


def models_of(library):
    return importlib.import_module(f"{library}._models")


def original_of(library):
    return inspect.unwrap(models_of(library).Request._prepare)


def made(library, prepare, monkeypatch, *args, **kwargs):
    models = models_of(library)
    with monkeypatch.context() as changed:
        changed.setattr(models.Request, "_prepare", prepare)
        try:
            request = models.Request(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the same
            return type(error), str(error)
        return type(request.headers), vars(request.headers), request.headers.encoding


@pytest.mark.parametrize("library", LIBRARIES)
@given(method=_METHODS, url=_URLS, headers=_FIELDS | _BYTES | st.none(),
       content=st.sampled_from([None, b"", b"x"]))  # fmt: skip
def test_any_fields_are_prepared_as_httpx_prepares_them(library, method, url, headers, content):
    original, asked = original_of(library), {"headers": headers, "content": content}
    ours = httpx_requests.sparing(models_of(library), original)
    with pytest.MonkeyPatch.context() as patch:
        found = made(library, ours, patch, method, url, **asked)
        assert found == made(library, original, patch, method, url, **asked)


def prepared(library, **others):
    """How often httpx's own code prepares a plain request."""
    models, calls = models_of(library), []
    ours = httpx_requests.sparing(models, lambda *_: calls.append(1))
    request = models.Request("GET", "http://x.example/", headers={"A": "b"})
    del request.headers["host"]
    for name, value in others.items():
        setattr(request, name, value)
    return calls, ours, request


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_plain_request_is_not_made_anew(library):
    calls, ours, request = prepared(library)
    ours(request, {})
    assert not calls
    assert request.headers.raw == [(b"Host", b"x.example"), (b"A", b"b")]


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_a_test_has_of_its_own_is_httpx_own(library):
    models = models_of(library)
    calls, ours, request = prepared(library)
    encoded = models.Headers({"A": "b"})
    encoded.encoding = "utf-16"
    for headers in (type("Own", (models.Headers,), {})({"A": "b"}), encoded):
        request.headers = headers
        ours(request, {})
    request.headers = models.Headers({"A": "b"})
    ours(request, {"Content-Length": "1"})
    own = type("Own", (models.Request,), {})("GET", "http://x.example/")
    del own.headers["host"]
    ours(own, {})
    assert len(calls) == 4


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["Headers", *httpx_requests._LEFT_OUT])
def test_what_is_left_out_is_used_where_a_test_replaces_it(library, name, monkeypatch):
    models = models_of(library)
    owner, _, member = name.rpartition(".")
    target = getattr(models, owner) if owner else models
    if not hasattr(target, member):
        pytest.skip(f"this release of {library} has no {name}")
    calls, ours, request = prepared(library)
    monkeypatch.setattr(target, member, object())
    ours(request, {})
    assert len(calls) == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_release_that_prepares_otherwise_is_left_alone(library, monkeypatch):
    models, original = models_of(library), original_of(library)

    def otherwise(self, default_headers):
        original(self, default_headers)
        self.headers["X-New"] = "1"

    monkeypatch.setattr(models.Request, "_prepare", otherwise)
    httpx_requests.install(models)
    assert models.Request._prepare is otherwise
    models.Request._prepare = original
    httpx_requests.install(models)
    assert models.Request._prepare is not original
    assert inspect.unwrap(models.Request._prepare) is original
