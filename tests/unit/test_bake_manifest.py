"""manifest.json: written the same each time, read strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recordbake.bake.describing import describe, describe_left_out
from recordbake.bake.manifest import ArchiveInfo, LeftOut, Manifest, load, with_digest
from recordbake.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable

WHERE = Path("manifest.json")
INFO = ArchiveInfo("a" * 64, 10, "b" * 64, 10240, 3)
MANIFEST = Manifest(
    created_at=1_790_000_000,
    archives={"http_cache.tgz": INFO, "hf_cache.tgz": INFO},
    store={"entries": 1, "takes": 2, "bodies": 1, "body_bytes": 5},
    store_sha256="d" * 64,
    hub={"repos": 0, "files": 0, "bytes": 0},
    left_out=(LeftOut("hf_cache/\udcff", "lock"),),
    versions={"recordbake": "0.1.0", "format": 1},
)


def document() -> dict[str, Any]:
    return json.loads(MANIFEST.to_json())


def test_round_trip() -> None:
    again = Manifest.from_json(MANIFEST.to_json(), WHERE)
    assert again == MANIFEST
    assert again.to_json() == MANIFEST.to_json()
    assert again.digest == MANIFEST.digest


def test_fields_are_the_documented_ones() -> None:
    found = document()
    assert set(found) == {
        "v", "created_at", "archives", "store", "store_sha256", "hub", "left_out",
        "versions", "sha256",
    }  # fmt: skip
    assert set(found["archives"]["hf_cache.tgz"]) == {
        "sha256", "size", "tar_sha256", "tar_size", "files",
    }  # fmt: skip
    assert found["v"] == 1


def test_it_describes_itself_to_people() -> None:
    words = describe(MANIFEST, Path("there"))
    assert "1 entries (2 takes, 1 bodies of 5 B)" in words
    assert "there: http_cache.tgz 10 B, hf_cache.tgz 10 B; 1 left out" in words
    assert MANIFEST.digest in words


def test_it_says_what_was_left_out_and_why() -> None:
    left = [LeftOut(f"hf_cache/{n}.lock", "lock") for n in range(5)]
    pruned = LeftOut("http_cache: GET http://h/ (take 1, 5 bytes)", "no replay asked for it")
    found = replace(MANIFEST, left_out=(*left, LeftOut("hf_cache/token", "credential"), pruned))
    assert describe_left_out(found).splitlines() == [
        "  left out: hf_cache/token (credential)",
        "  left out: hf_cache/0.lock, hf_cache/1.lock, hf_cache/2.lock and 2 more (lock)",
    ]


def test_an_unknown_version_is_refused_with_a_clear_word() -> None:
    with pytest.raises(DamagedError, match="format 2, this recordbake reads format 1") as caught:
        Manifest.from_json(json.dumps({"v": 2, "new": True}).encode(), WHERE)
    assert caught.value.exit_code == 12


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("v"),
        lambda d: d.update(v="1"),
        lambda d: d.update(v=True),
        lambda d: d.update(more=1),
        lambda d: d.pop("store"),
        lambda d: d.update(store_sha256="D" * 64),
        lambda d: d.update(created_at=1.5),
        lambda d: d.update(left_out={}),
        lambda d: d["left_out"].append({"path": "x"}),
        lambda d: d["left_out"].append({"path": "x", "why": None}),
        lambda d: d["archives"].update({"../x.tgz": d["archives"]["hf_cache.tgz"]}),
        lambda d: d["archives"].pop("hf_cache.tgz"),
        lambda d: d["archives"]["hf_cache.tgz"].update(sha256="A" * 64),
        lambda d: d["archives"]["hf_cache.tgz"].update(sha256=None),
        lambda d: d["archives"]["hf_cache.tgz"].update(size=-1),
        lambda d: d["archives"]["hf_cache.tgz"].update(files=True),
        lambda d: d["store"].update(entries="1"),
        lambda d: d["hub"].pop("repos"),
        lambda d: d["versions"].update(format="1"),
    ],
)
def test_anything_else_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    found = document()
    change(found)
    with pytest.raises(DamagedError, match="the manifest is damaged"):
        Manifest.from_json(with_digest(found), WHERE)


def test_a_field_that_proves_nothing_is_not_changed_either() -> None:
    changed = MANIFEST.to_json().replace(b'"why": "', b'"why": "x', 1)
    assert changed != MANIFEST.to_json()
    with pytest.raises(DamagedError, match="not what its sha256 was made of"):
        Manifest.from_json(changed, WHERE)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, MANIFEST.to_json()[:-20]]
)
def test_damaged_json_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError, match="the manifest is damaged"):
        Manifest.from_json(data, WHERE)


def test_a_missing_manifest_is_no_bake(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="there is no bake"):
        load(tmp_path / "manifest.json")
