"""nltk's downloader: an index, and a package that it checks and unpacks."""

from __future__ import annotations

import contextlib
import os

from nltk.downloader import Downloader

with contextlib.suppress(ImportError):
    from nltk import pathsec

    pathsec.ENFORCE = False  # it would refuse a server on loopback; now it warns of it


def test_a_package(tmp_path):
    index = os.environ["ORIGIN"] + "/data/index.xml"
    downloader = Downloader(server_index_url=index, download_dir=str(tmp_path))
    assert downloader.download("words", quiet=True, raise_on_error=True)
    assert downloader.is_installed("words")
    assert (tmp_path / "corpora" / "words" / "en").read_text() == "aardvark\n"
