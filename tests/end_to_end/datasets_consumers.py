"""datasets, streaming over http; run against the example's server."""

from __future__ import annotations

import datasets
import pytest

TABLE = "https://data.example.org/table.csv"
ITEMS = "https://api.example.org/items"


@pytest.mark.parametrize(("kind", "url"), [("csv", TABLE), ("json", ITEMS)])
def test_streaming(kind, url):
    stream = datasets.load_dataset(kind, data_files=url, split="train", streaming=True)
    assert next(iter(stream))
    assert len(list(stream)) == 3
