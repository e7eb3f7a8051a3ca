"""nltk's check of addresses does not look up hosts whose requests are captured."""

from __future__ import annotations

from types import SimpleNamespace

from recordbake.guest.clients.nltk import install


def test_only_hosts_that_are_not_captured_are_looked_up():
    module = SimpleNamespace(_resolve_hostname=lambda host: [host])
    install(module, SimpleNamespace(bypasses=lambda host, _: host == "localhost"))
    assert module._resolve_hostname("raw.githubusercontent.com") == []
    assert module._resolve_hostname("localhost") == ["localhost"]


def test_a_release_without_connections_of_its_own_is_left_as_it_is():
    module = SimpleNamespace()
    install(module, SimpleNamespace())
    assert not vars(module)
