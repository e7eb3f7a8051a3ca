"""What stands on aiohttp, used as its documentation shows; run against the example's server."""

from __future__ import annotations

import csv
import io
import multiprocessing

import fsspec
import pytest

TABLE = "https://data.example.org/table.csv"
CAT = "https://images.example.org/cat.jpg"
LARGE = "https://data.example.org/large.bin?size=3000000"


@pytest.fixture
def web():
    # The server is led to by HTTPS_PROXY.
    return fsspec.filesystem("https", client_kwargs={"trust_env": True}, skip_instance_cache=True)


def test_cat_many_at_once(web):
    found = web.cat([f"{LARGE}&n={n}" for n in range(5)] + [CAT, TABLE])
    assert len(found) == 7
    assert len(found[CAT]) == web.info(CAT)["size"]


def test_cat_of_what_is_not_there(web):
    with pytest.raises(FileNotFoundError):
        web.cat("https://images.example.org/dog.jpg")
    assert not web.exists("https://images.example.org/dog.jpg")


def test_ranges(web):
    whole = web.cat(CAT)
    assert web.cat_file(CAT, start=10, end=20) == whole[10:20]
    assert web.cat_ranges([CAT] * 3, [0, 100, 200], [5, 105, 205]) == [
        whole[0:5], whole[100:105], whole[200:205],
    ]  # fmt: skip


def test_a_file_read_in_blocks(web):
    with web.open(CAT, block_size=4096) as file:
        start = file.read(10)
        file.seek(-10, io.SEEK_END)
        end = file.read()
        file.seek(0)
        whole = file.read()
    assert (whole[:10], whole[-10:]) == (start, end)
    assert whole == web.cat(CAT)


def test_a_file_that_cannot_be_sought(web):
    with web.open(LARGE, block_size=0) as file:
        size = 0
        while piece := file.read(100_000):
            size += len(piece)
    assert size == 3_000_000


def test_a_download(web, tmp_path):
    web.get(CAT, str(tmp_path / "cat.jpg"))
    assert (tmp_path / "cat.jpg").read_bytes() == web.cat(CAT)


def test_text_through_a_cache(tmp_path):
    options = {"client_kwargs": {"trust_env": True}}
    with fsspec.open(
        f"simplecache::{TABLE}", "rt", https=options, simplecache={"cache_storage": str(tmp_path)}
    ) as file:
        assert len(list(csv.DictReader(file))) == 3


def _size(_):
    web = fsspec.filesystem("https", client_kwargs={"trust_env": True}, skip_instance_cache=True)
    return len(web.cat(CAT))


def test_processes_that_are_spawned():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert len(set(pool.map(_size, range(2)))) == 1
