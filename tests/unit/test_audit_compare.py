"""Comparing two recordings, and where they may be read from."""

from __future__ import annotations

import json

import pytest

from recordbake.audit.compare import compare
from recordbake.audit.load import load_entries
from recordbake.bake import bake
from recordbake.cli import main
from tests.support.sample import captured, make_recording

fsspec = pytest.importorskip("fsspec")  # a dependency: never skipped where recordbake is installed


@pytest.fixture
def two(tmp_path):
    before = [captured("https://h/same"), captured("https://h/gone", b"12"),
              captured("https://h/changed", b"123")]  # fmt: skip
    after = [captured("https://h/same", recorded_at=1_800_000_000), captured("https://h/new", b"1"),
             captured("https://h/changed", b"12345")]  # fmt: skip
    return make_recording(tmp_path / "before", before), make_recording(tmp_path / "after", after)


def test_new_gone_and_changed_requests_are_told_with_their_sizes(two):
    before, after = (load_entries(recording.store) for recording in two)
    found = compare("before", before, after)
    assert [(d.change, d.url, d.before, d.after) for d in found.differences] == [
        ("changed", "https://h/changed", 3, 5),
        ("gone", "https://h/gone", 2, None),
        ("new", "https://h/new", None, 1),
    ]
    assert (found.new, found.gone, found.changed) == (1, 1, 1)
    assert (found.bytes_before, found.bytes_after) == (10, 11)
    assert compare("itself", after, after).differences == []


@pytest.mark.parametrize("how", ["directory", "bake", "url"])
def test_a_recording_is_read_from_a_directory_a_bake_and_a_url(two, tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    before, after = two
    source = str(before.path)
    if how != "directory":
        bake(before, tmp_path / "baked")
        source = str(tmp_path / "baked")
    if how == "url":
        memory = fsspec.filesystem("memory")
        memory.put(source + "/", "/bucket/baked/", recursive=True)
        source = "memory://bucket/baked"
    assert main(["audit", str(after.path), "--compare", source]) == 0
    data = json.loads((tmp_path / "reports" / "audit.json").read_text())
    assert data["comparison"]["other"] == source
    assert [d["change"] for d in data["comparison"]["differences"]] == ["changed", "gone", "new"]
    page = (tmp_path / "reports" / "audit.html").read_text()
    assert "1 new, 1 gone, 1 changed" in page
    assert main(["audit", source]) == 0
    assert json.loads((tmp_path / "reports" / "audit.json").read_text())["figures"]["entries"] == 3


def test_a_url_that_cannot_be_read_is_an_error_for_people(two, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "memory://nowhere/at-all"]) == 2
    assert main(["audit", "no-such-scheme://x/y"]) == 2
    said = capsys.readouterr().err
    assert said.count("the recording cannot be fetched") == 2
