"""What stands on the clients, used as its documentation shows; run against the example's server."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import urllib.request

import pandas as pd
import pooch
import pytest
import requests

TABLE = "https://data.example.org/table.csv"
CAT = "https://images.example.org/cat.jpg"


def test_pandas_reads_a_url():
    frame = pd.read_csv(TABLE)
    assert len(frame) > 1
    assert frame.equals(pd.read_csv(io.BytesIO(requests.get(TABLE, timeout=30).content)))


def test_pandas_sends_headers():
    frame = pd.read_csv(TABLE, storage_options={"User-Agent": "pandas"})
    assert list(frame.columns)


def test_pooch_checks_and_keeps(tmp_path):
    digest = hashlib.sha256(requests.get(CAT, timeout=30).content).hexdigest()
    path = pooch.retrieve(CAT, known_hash=f"sha256:{digest}", path=tmp_path, progressbar=False)
    assert pooch.file_hash(path) == digest
    with pytest.raises(ValueError, match="does not match"):
        pooch.retrieve(CAT, known_hash="sha256:" + "0" * 64, path=tmp_path, fname="other")


def test_pooch_unpacks(tmp_path):
    url = "https://images.example.org/cat-gzip.jpg"
    path = pooch.retrieve(url, known_hash=None, path=tmp_path)
    assert pooch.file_hash(path)


def test_urlretrieve_with_progress_as_nltk_and_keras_do(tmp_path):
    seen = []
    target, headers = urllib.request.urlretrieve(
        CAT, tmp_path / "cat.jpg", lambda *step: seen.append(step)
    )
    assert (tmp_path / "cat.jpg").stat().st_size == int(headers["Content-Length"]) == seen[-1][2]
    assert [step[0] for step in seen] == list(range(len(seen)))
    assert str(target).endswith("cat.jpg")


def test_chunks_into_a_hash_as_torch_hub_does(tmp_path):
    request = urllib.request.Request(CAT, headers={"User-Agent": "torch.hub"})
    digest, size = hashlib.sha256(), 0
    with urllib.request.urlopen(request) as response, (tmp_path / "part").open("wb") as file:
        total = int(response.info().get_all("Content-Length")[0])
        while chunk := response.read(128 * 1024):
            digest.update(chunk)
            size += file.write(chunk)
    assert size == total
    assert digest.hexdigest() == hashlib.sha256((tmp_path / "part").read_bytes()).hexdigest()


def test_a_program_that_a_test_starts():
    code = f"import pandas; print(len(pandas.read_csv('{TABLE}')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) == len(pd.read_csv(TABLE))


def test_gzip_is_the_suites_own_business():
    request = urllib.request.Request(
        "https://images.example.org/cat-gzip.jpg", headers={"Accept-Encoding": "gzip"}
    )
    with urllib.request.urlopen(request) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(response.read()).startswith(b"\xff\xd8")
