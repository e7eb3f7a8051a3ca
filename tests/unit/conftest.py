"""What several tests of the guest look at, and that none of them is about time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from recordbake.guest.reader import StoreReader

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


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
