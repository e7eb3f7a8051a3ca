"""The committed contract table is of the contract as it is."""

from __future__ import annotations

from itertools import product

from tests.clients.clients import CLIENTS
from tests.clients.features import FEATURES
from tests.clients.table import PAGE, cells


def test_the_table_has_every_client_and_feature_and_no_other():
    assert set(cells(PAGE.read_text())) == set(product(CLIENTS, FEATURES))


def test_each_cell_is_a_pass_or_says_why_the_client_cannot():
    page = PAGE.read_text()
    reasons = page.split("## Not supported by this client")[1]
    for (client, feature), value in cells(page).items():
        known = value == "pass" or (value.isdigit() and f"\n{value}. " in reasons)
        assert known, (client, feature, value)
