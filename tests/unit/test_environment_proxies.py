"""What the environment says of proxies is remembered exactly as long as it says the same."""

from __future__ import annotations

import inspect
import os
import types
import urllib.request
from collections.abc import MutableMapping
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordbake.guest.clients import environment_proxies
from recordbake.guest.clients.environment_proxies import remembering

ORIGINAL = inspect.unwrap(urllib.request.getproxies_environment)

_NAMES = (
    "http_proxy", "HTTP_PROXY", "Http_Proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
    "REQUEST_METHOD", "_proxy", "proxy", "PATH", "x_PROXY_", "\udcff_proxy",
)  # fmt: skip
_ENVIRONMENTS = st.lists(
    st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(["", "a:1", "b:2", "*", "\udcff"])),
    min_size=1, max_size=6,
)  # fmt: skip


@pytest.fixture
def asked():
    """A function that counts how often it is asked; and those counts."""
    calls = []

    def getproxies_environment():
        calls.append(None)
        return ORIGINAL()

    return remembering(getproxies_environment), calls


_ORDERS = [{"HTTP_PROXY": "a:1", "Http_Proxy": "b:2"}, {"Http_Proxy": "b:2", "HTTP_PROXY": "a:1"}]
_SCRIPTS = [{"HTTP_PROXY": "a:1"}, {"HTTP_PROXY": "a:1", "REQUEST_METHOD": "GET"}]
_EMPTY = [{"http_proxy": "a:1"}, {"http_proxy": ""}, {"http_proxy": "a:1"}]


@given(environments=_ENVIRONMENTS)
@example(environments=_ORDERS)
@example(environments=_SCRIPTS)
@example(environments=_EMPTY)
def test_it_is_what_python_says_in_any_environment(environments):
    ours = remembering(ORIGINAL)
    with mock.patch.object(os.environ, "_data", {}):
        for environment in environments:
            os.environ._data.clear()
            for name, text in environment.items():
                os.environ._data[os.fsencode(name)] = os.fsencode(text)
            for _ in range(3):
                found = ours()
                assert list(found.items()) == list(ORIGINAL().items())
                found["own"] = "changed by who asked"


def test_the_same_environment_is_read_once(asked):
    ours, calls = asked
    assert [ours() for _ in range(5)] == [ORIGINAL()] * 5
    assert len(calls) == 1


def test_another_environment_is_read_again(asked, monkeypatch):
    ours, calls = asked
    ours()
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert ours()["https"] == "proxy.example:3128"
    monkeypatch.delenv("https_proxy")
    assert "https" not in ours()
    assert len(calls) == 3


class Own(MutableMapping):
    def __init__(self):
        self.names = {"HTTP_PROXY": "own.example:1"}

    def __getitem__(self, name):
        return self.names[name]

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)

    def __setitem__(self, name, value):
        self.names[name] = value

    def __delitem__(self, name):
        del self.names[name]


@pytest.mark.parametrize("environ", [{"HTTP_PROXY": "own.example:1"}, Own()], ids=["dict", "own"])
def test_another_mapping_is_read_each_time(asked, monkeypatch, environ):
    ours, calls = asked
    ours()
    monkeypatch.setattr(os, "environ", environ)
    assert [ours() for _ in range(3)] == [{"http": "own.example:1"}] * 3
    assert len(calls) == 4


@pytest.mark.parametrize("name", ["__getitem__", "__iter__", "__contains__", "items"])
def test_a_replaced_way_to_read_it_is_seen_each_time(asked, monkeypatch, name):
    ours, calls = asked
    ours()
    real, cls = getattr(type(os.environ), name), type(os.environ)

    def replaced(*args):
        return real(*args)

    monkeypatch.setattr(cls, name, replaced)
    ours(), ours()
    assert len(calls) == 3


def test_a_way_to_read_it_of_the_object_itself(asked, monkeypatch):
    ours, calls = asked
    ours()
    monkeypatch.setattr(os.environ, "items", lambda: [("http_proxy", "x:1")], raising=False)
    ours(), ours()
    assert len(calls) == 3


def test_what_was_read_of_an_environment_that_changed_is_not_remembered(monkeypatch):
    monkeypatch.delenv("http_proxy", raising=False)
    changes = ["late:1"]

    def changing():
        if changes:  # another thread
            os.environ["http_proxy"] = changes.pop()
        return ORIGINAL()

    ours = remembering(changing)
    assert ours()["http"] == "late:1"
    del os.environ["http_proxy"]
    assert ours() == ORIGINAL()


@pytest.fixture
def restored(monkeypatch):
    for name in ("getproxies", "getproxies_environment"):
        monkeypatch.setattr(urllib.request, name, getattr(urllib.request, name))
    return monkeypatch


def test_whoever_has_imported_it_gets_it(restored):
    before = urllib.request.getproxies_environment
    user = types.SimpleNamespace(getproxies=before, getproxies_environment=print)
    environment_proxies.patch(user, None)
    ours = urllib.request.getproxies_environment
    assert ours is not before
    assert user.getproxies is urllib.request.getproxies is ours
    assert user.getproxies_environment is print
    assert inspect.signature(ours) == inspect.signature(before)
    assert inspect.getsource(ours) == inspect.getsource(before)
    environment_proxies.patch(user)
    assert urllib.request.getproxies_environment is ours


def test_what_a_test_has_put_there_stays(restored):
    fake = mock.Mock(return_value={})
    restored.setattr(urllib.request, "getproxies_environment", fake)
    environment_proxies.patch()
    assert urllib.request.getproxies_environment is fake

    def fake_function():
        return {}

    restored.setattr(urllib.request, "getproxies_environment", fake_function)
    environment_proxies.patch()
    assert urllib.request.getproxies_environment is fake_function
