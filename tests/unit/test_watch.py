"""What is passed by is watched: whoever replaces or removes a member is told of nothing less."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from recordbake.guest.clients.ready import watch


class Base:
    def inherited(self):
        """Is a member of what derives from it, too."""


class Derived(Base):
    def own(self):
        """Is only there."""


def test_a_replaced_member_shows(monkeypatch):
    module = SimpleNamespace(log=object(), other=1)
    is_untouched = watch((Derived, ("own", "inherited")), (module, ("log",)), (Base, ()))
    assert is_untouched()
    module.other = 2
    assert is_untouched()
    for owner, name in (
        (Derived, "own"),
        (Base, "inherited"),
        (Derived, "inherited"),
        (module, "log"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda *_: None)
            assert not is_untouched()
        assert is_untouched()


def test_a_removed_member_shows(monkeypatch):
    is_untouched = watch((Derived, ("own",)))
    monkeypatch.delattr(Derived, "own")
    assert not is_untouched()


def test_a_member_that_is_not_there_cannot_be_watched():
    with pytest.raises(AttributeError):
        watch((Derived, ("own", "missing")))
