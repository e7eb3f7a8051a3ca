"""Folding a run's Hub cache into the recording, and the private view of a replay."""

from __future__ import annotations

import pytest

from recordbake import hub_cache


@pytest.fixture
def cache(tmp_path):
    repo = tmp_path / "run" / "hub" / "models--a--b"
    snapshot = repo / "snapshots" / "c0ffee"
    for directory in (repo / "blobs", repo / "refs", snapshot, tmp_path / "run" / "hub" / ".locks"):
        directory.mkdir(parents=True)
    (repo / "blobs" / "abc").write_text("content")
    (repo / "blobs" / "def.incomplete").write_text("half")
    (repo / "refs" / "main").write_text("c0ffee")
    (snapshot / "token").symlink_to("../../blobs/abc")  # a repository may have such a file
    (tmp_path / "run" / "token").write_text("hf_secret")
    (tmp_path / "run" / "state.json").write_text("{}")
    return tmp_path / "run"


def names(path):
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if not p.is_dir())


KEPT = ["hub/models--a--b/blobs/abc", "hub/models--a--b/refs/main",
        "hub/models--a--b/snapshots/c0ffee/token", "state.json"]  # fmt: skip


def test_fold_keeps_what_may_be_kept(cache, tmp_path):
    hub_cache.fold(cache, tmp_path / "recording")
    assert names(tmp_path / "recording") == KEPT
    assert (tmp_path / "recording" / KEPT[2]).read_text() == "content"
    assert not cache.exists()


def test_fold_across_file_systems(cache, tmp_path, monkeypatch):
    def replace(self, target):
        if self.parent != target.parent:
            raise OSError(18, "Invalid cross-device link")
        self.rename(target)

    target = tmp_path / "recording" / "hub" / "models--a--b" / "refs"
    target.mkdir(parents=True)
    (target / "main").write_text("older")
    monkeypatch.setattr("pathlib.Path.replace", replace)
    hub_cache.fold(cache, tmp_path / "recording")
    assert names(tmp_path / "recording") == KEPT
    assert (target / "main").read_text() == "c0ffee"


def test_writing_in_the_view_leaves_the_original_alone(cache, tmp_path):
    hub_cache.fold(cache, tmp_path / "recording")
    view = tmp_path / "view"
    hub_cache.view(tmp_path / "recording", view)
    assert names(view) == KEPT
    assert (view / KEPT[2]).read_text() == "content"
    for name in ("state.json", KEPT[1]):
        (view / name).write_text("changed")
    (view / KEPT[0]).unlink()
    assert (tmp_path / "recording" / "state.json").read_text() == "{}"
    assert (tmp_path / "recording" / KEPT[1]).read_text() == "c0ffee"
    assert (tmp_path / "recording" / KEPT[0]).read_text() == "content"


def test_a_view_of_nothing_is_empty(tmp_path):
    hub_cache.view(tmp_path / "nothing", tmp_path / "view")
    assert names(tmp_path / "view") == []


def test_a_view_is_without_what_the_hub_is_asked_for_again_each_day(cache, tmp_path):
    (cache / ".agent_harnesses.json").write_text("{}")
    hub_cache.view(cache, tmp_path / "view")
    assert ".agent_harnesses.json" not in names(tmp_path / "view")
    assert "state.json" in names(tmp_path / "view")
