"""What stands on aiohttp, and other users of buckets: recorded, replayed offline."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import zipfile

import pytest

from tests.end_to_end.test_hub import events, outcomes
from tests.support.cli import ROOT, recordbake
from tests.support.environments import python_with
from tests.support.programs import CAPTURE
from tests.support.s3 import Bucket

HERE = ROOT / "tests" / "end_to_end"
NEWEST = ("fsspec[http]",)
#: Of aiohttp, what has wheels for the Python that runs the tests.
LOWEST = (
    "fsspec[http]==2023.10.*",
    "aiohttp==3.9.0; python_version < '3.13'", "aiohttp==3.10.*; python_version >= '3.13'",
)  # fmt: skip
MOCKS = ("aioresponses", "aresponses", "aiohttp==3.13.*")  # aioresponses does not know 3.14 yet


def both(where, suite, requirements, *, env=None, before=(), gone=lambda: None):
    """A suite recorded, and replayed with the server gone; the replay's requests."""
    shutil.copy(HERE / suite, where / f"test_{suite}")
    python = python_with("pytest", *requirements)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    recorded = recordbake(
        "record", "--", *command, "--junitxml=recorded.xml", cwd=where, env=env, before=before
    )
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    gone()
    replayed = recordbake(
        "replay", "--strict", "--", *command, "--junitxml=replayed.xml", cwd=where, env=env
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert outcomes(where / "replayed.xml") == outcomes(where / "recorded.xml")
    return [e for e in events(where, "replay_strict") if e["event"] == "request"]


@pytest.mark.parametrize(
    ("suite", "requirements"),
    [("aiohttp_consumers.py", NEWEST), ("aiohttp_consumers.py", LOWEST),
     ("datasets_consumers.py", ["datasets", "aiohttp"])],
    ids=["fsspec-newest", "fsspec-lowest", "datasets"],
)  # fmt: skip
def test_from_the_web(suite, requirements, tmp_path):
    state = tmp_path / "server"
    server = [sys.executable, ROOT / "examples" / "with_server.py", "--state", str(state), "--"]
    asked = both(tmp_path, suite, requirements, before=server)
    assert {e["outcome"] for e in asked} == {"hit"}
    assert "aiohttp" in {e["client"] for e in asked}


@pytest.mark.parametrize(
    ("suite", "requirements", "clients"),
    [("s3_consumers.py", ["s3fs"], {"aiohttp"}),
     ("s3_consumers.py", ["s3fs==2023.10.*", "requests"], {"aiohttp"}),
     ("boto3_consumers.py", ["boto3"], {"urllib3", "http.client"}),
     ("boto3_consumers.py", ["boto3==1.26.*"], {"urllib3", "http.client"})],
    ids=["s3fs-newest", "s3fs-lowest", "boto3-newest", "boto3-lowest"],
)  # fmt: skip
def test_buckets(suite, requirements, clients, tmp_path):
    with Bucket() as bucket:
        env = CAPTURE | {"ORIGIN": bucket.url}
        asked = both(tmp_path, suite, requirements, env=env, gone=bucket.close)
    assert {e["outcome"] for e in asked} == {"hit"}
    assert {e["client"] for e in asked} == clients
    kept = b"".join(
        path.read_bytes() for path in tmp_path.rglob(".recordbake/**/*.*") if path.is_file()
    )
    assert b"AKIA0123456789" not in kept


def test_mocks_win_and_are_neither_kept_nor_counted(tmp_path):
    assert both(tmp_path, "aiohttp_mocks.py", MOCKS) == []


@pytest.mark.parametrize("requirements", [["nltk"], ["nltk==3.8.*"]], ids=["newest", "older"])
def test_nltk(tmp_path, requirements):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("words/en", "aardvark\n")
    data = package.getvalue()
    with Bucket() as bucket:
        bucket.objects["words.zip"] = data
        bucket.objects["index.xml"] = (
            "<nltk_data><packages><package id='words' name='Words' subdir='corpora' unzip='1' "
            f"size='{len(data)}' unzipped_size='9' checksum='{hashlib.md5(data).hexdigest()}' "
            f"url='{bucket.url}/data/words.zip'/></packages><collections/></nltk_data>"
        ).encode()
        env = CAPTURE | {"ORIGIN": bucket.url}
        asked = both(tmp_path, "nltk_consumers.py", requirements, env=env, gone=bucket.close)
    assert {(e["outcome"], e["client"]) for e in asked} == {("hit", "http.client")}
