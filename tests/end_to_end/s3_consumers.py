"""s3fs, and aiobotocore below it, on a bucket that the test fills first."""

from __future__ import annotations

import os

import fsspec
import pytest
import s3fs

OPTIONS = {"key": "AKIA0123456789", "secret": "s3cret", "endpoint_url": os.environ["ORIGIN"]}
DATA = bytes(range(256)) * 4096


@pytest.fixture
def s3():
    return s3fs.S3FileSystem(**OPTIONS, skip_instance_cache=True)


def test_write_then_read(s3):
    s3.pipe({"shelf/a/one.bin": DATA, "shelf/a/two.bin": b"two", "shelf/three.txt": b"three"})
    assert s3.cat("shelf/a/one.bin") == DATA
    assert s3.cat(["shelf/a/two.bin", "shelf/three.txt"]) == {
        "shelf/a/two.bin": b"two",
        "shelf/three.txt": b"three",
    }


def test_listings(s3):
    assert s3.ls("shelf") == ["shelf/a", "shelf/three.txt"]
    assert s3.glob("shelf/**/*.bin") == ["shelf/a/one.bin", "shelf/a/two.bin"]
    assert s3.du("shelf") == len(DATA) + 8
    assert not s3.exists("shelf/four")


def test_blocks(s3):
    with s3.open("shelf/a/one.bin", block_size=65536) as file:
        file.seek(300_000)
        assert file.read(100) == DATA[300_000:300_100]
        file.seek(-10, 2)
        assert file.read() == DATA[-10:]


def test_a_url_that_is_signed_anew_each_time(s3):
    with fsspec.open(s3.sign("shelf/three.txt", expiration=100)) as file:
        assert file.read() == b"three"


def test_what_is_not_there(s3):
    with pytest.raises(FileNotFoundError):
        s3.cat("shelf/four")
