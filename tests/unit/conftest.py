"""What several tests of the guest look at."""

from __future__ import annotations

import pytest

from recordbake.guest.reader import StoreReader


@pytest.fixture
def looked_up(monkeypatch):
    """What SQLite is asked."""
    statements = []
    query = StoreReader._query

    def counting(self, sql, parameters):
        statements.append(parameters)
        return query(self, sql, parameters)

    monkeypatch.setattr(StoreReader, "_query", counting)
    return statements
