"""Planning a Hub cache's members, and following links as the kernel does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from recordbake.bake.members import hub_members, resolve
from tests.support.bakes import make_hub

if TYPE_CHECKING:
    from pathlib import Path

TREE = {
    "r": None, "r/file": None, "r/dir": None, "r/dir/deep": None, "r/dir/deep/file": None,
    "r/shallow": None, "r/dir/to_shallow": "../shallow", "r/good": "dir/deep/file",
    "r/chain": "good", "r/through": "dir/to_shallow/../file", "r/absolute": "/r/file",
    "r/out": "../etc", "r/dangling": "nowhere", "r/loop": "loop",
    "r/dir/deep/sly": "../to_shallow/../../out",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("r/file", "r/file"),
        ("r/good", "r/dir/deep/file"),
        ("r/chain", "r/dir/deep/file"),
        ("r/through", "r/file"),
        ("r/absolute", None),
        ("r/out", None),
        ("r/dangling", None),
        ("r/loop", None),
        ("r/dir/deep/sly", None),  # judged by its letters alone it would stay inside
    ],
)
def test_resolve(name: str, leads_to: str | None) -> None:
    assert resolve(name, TREE) == leads_to


def test_credentials_locks_and_unfinished_files_are_left_out_with_a_reason(tmp_path: Path) -> None:
    make_hub(tmp_path)
    members, left = hub_members(tmp_path, "hf_cache")
    names = {member.name for member in members}
    assert f"hf_cache/hub/models--org--name/snapshots/{'c0ffee' * 6}c0ff/model.bin" in names
    assert {(item.path, item.why) for item in left} == {
        ("hf_cache/token", "credential"),
        ("hf_cache/stored_tokens", "credential"),
        ("hf_cache/hub/.locks", "lock"),
        ("hf_cache/hub/models--org--name/blobs/def.incomplete", "not finished"),
    }
    assert not names & {item.path for item in left}


def test_a_missing_cache_is_an_empty_directory(tmp_path: Path) -> None:
    members, left = hub_members(tmp_path / "none", "hf_cache")
    assert [member.name for member in members] == ["hf_cache"]
    assert left == []


def test_links_that_would_not_work_become_files_or_are_left_out(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    make_hub(cache)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "weights").write_bytes(b"outside")
    (outside / "token").write_text("hf_SECRET")
    (cache / "inside").symlink_to("hub/models--org--name/blobs/abc")
    (cache / "absolute").symlink_to(cache / "hub/models--org--name/blobs/abc")
    (cache / "escaping").symlink_to("../outside/weights")
    (cache / "directory").symlink_to(outside)
    (cache / "dangling").symlink_to("nowhere")
    (cache / "credential").symlink_to("token")
    (cache / "other_credential").symlink_to(outside / "token")
    (cache / "lock").symlink_to("hub/.locks/abc.lock")
    (cache / "through").symlink_to("directory/weights")
    (cache / "behind").symlink_to("dangling")
    os.mkfifo(cache / "fifo")
    members, left = hub_members(cache, "h")
    found = {member.name: member for member in members}
    assert found["h/inside"].link == "hub/models--org--name/blobs/abc"
    for name, content in (
        ("absolute", b"weights"),
        ("escaping", b"outside"),
        ("through", b"outside"),
    ):
        member = found[f"h/{name}"]
        assert member.link is None
        assert member.source is not None
        assert member.source.read_bytes() == content
    why = {item.path.removeprefix("h/"): item.why for item in left}
    assert why["directory"] == "a link to a directory outside"
    assert why["dangling"] == why["behind"] == "a link that leads nowhere"
    assert why["fifo"] == "neither file, directory nor link"
    for name in ("credential", "other_credential", "lock"):
        assert why[name].startswith("a link to something left out")
    for name in why:
        assert f"h/{name}" not in found
