"""boto3, and s3transfer below it, on a bucket that the test fills first."""

from __future__ import annotations

import os
import urllib.request

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

DATA = bytes(range(256)) * 4096
IN_PARTS = TransferConfig(multipart_threshold=300_000, multipart_chunksize=262_144)


@pytest.fixture
def s3():
    return boto3.client(
        "s3",
        endpoint_url=os.environ["ORIGIN"],
        region_name="us-east-1",
        aws_access_key_id="AKIA0123456789",
        aws_secret_access_key="s3cret",
        config=Config(s3={"addressing_style": "path"}),
    )


def test_write_then_read(s3, tmp_path):
    (tmp_path / "one.bin").write_bytes(DATA)
    s3.upload_file(
        str(tmp_path / "one.bin"), "shelf", "a/one.bin", Config=TransferConfig(2 * len(DATA))
    )
    s3.put_object(Bucket="shelf", Key="three.txt", Body=b"three")
    body = s3.get_object(Bucket="shelf", Key="a/one.bin")["Body"]
    assert b"".join(body.iter_chunks(70_000)) == DATA


def test_parts_in_threads(s3, tmp_path):
    s3.download_file("shelf", "a/one.bin", str(tmp_path / "one.bin"), Config=IN_PARTS)
    assert (tmp_path / "one.bin").read_bytes() == DATA


def test_listings(s3):
    found = s3.list_objects_v2(Bucket="shelf")
    assert [item["Key"] for item in found["Contents"]] == ["a/one.bin", "three.txt"]
    assert s3.head_object(Bucket="shelf", Key="three.txt")["ContentLength"] == 5


def test_a_url_that_is_signed_anew_each_time(s3):
    url = s3.generate_presigned_url("get_object", {"Bucket": "shelf", "Key": "three.txt"})
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"three"


def test_what_is_not_there(s3):
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket="shelf", Key="four")
    assert raised.value.response["Error"]["Code"] == "NoSuchKey"
