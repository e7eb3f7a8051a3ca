"""push and pull: what arrives is what was sent, going on after a break, verified."""

from __future__ import annotations

import functools
import http.server
import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import fsspec
import pytest

from recordbake import workspace as workspaces
from recordbake.bake import verify
from recordbake.bake.moving import pull, push
from recordbake.cli import main
from recordbake.errors import DamagedError, TransferError, UsageError
from tests.support.bakes import baked, contents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield (tmp_path / "remote").as_uri()
    else:
        fsspec.filesystem("memory").store.clear()
        yield "memory://team/bake"


def tearing(source, sink, advance, end):
    sink.write(source.read(100))
    raise ConnectionResetError(104, "reset")


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A directory behind http.server, which knows no ranges."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_arrives_is_what_was_sent(tmp_path: Path, url: str) -> None:
    bake_dir = baked(tmp_path)
    manifest = push(bake_dir, url)
    assert push(bake_dir, url) == manifest
    assert pull(url, tmp_path / "to") == manifest
    assert contents(tmp_path / "to") == contents(bake_dir)
    pull(url, tmp_path / "to")  # over an earlier one
    assert verify(tmp_path / "to") == manifest


def test_a_pull_goes_on_where_it_was_cut_off(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    push(bake_dir, url)
    read: list[int] = []

    monkeypatch.setattr("recordbake.bake.places.files.copy", tearing)
    with pytest.raises(TransferError, match="goes on where it was"):
        pull(url, tmp_path / "to")
    assert not (tmp_path / "to" / "manifest.json").exists()

    def counting(source, sink, advance, end):
        data = source.read()
        read.append(len(data))
        sink.write(data)

    monkeypatch.setattr("recordbake.bake.places.files.copy", counting)
    manifest = pull(url, tmp_path / "to")
    assert sum(read) == sum(info.size for info in manifest.archives.values()) - 100
    assert contents(tmp_path / "to") == contents(bake_dir)


def test_a_push_sends_only_what_is_missing(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    manifest = push(bake_dir, url)
    files, root = fsspec.core.url_to_fs(url)
    name = f"{root}/blobs/{manifest.archives['hf_cache.tgz'].sha256}"
    files.pipe_file(name, b"half")  # as a push that was cut off leaves it
    sent = []

    def counting(pieces, sink, advance):
        sent.append(sink.write(b"".join(pieces)))

    monkeypatch.setattr("recordbake.bake.places.files.write_all", counting)
    push(bake_dir, url)
    assert sent == [manifest.archives["hf_cache.tgz"].size]
    pull(url, tmp_path / "to")


def test_a_large_archive_goes_in_parts(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recordbake.bake.places.place.PART", 3000)
    bake_dir = baked(tmp_path)
    info = push(bake_dir, url).archives["http_cache.tgz"]
    files, root = fsspec.core.url_to_fs(url)
    found = sorted(n for n in files.find(f"{root}/blobs") if info.sha256 in n)
    assert [n.rpartition(".")[2] for n in found] == [f"{n:04}" for n in range(len(found))]
    assert [files.size(n) for n in found] == [3000] * (len(found) - 1) + [info.size % 3000]
    assert len(found) > 2
    pull(url, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(bake_dir)


def test_a_bake_that_was_copied_as_it_is_can_be_pulled(tmp_path: Path, url: str) -> None:
    bake_dir = baked(tmp_path)
    files, root = fsspec.core.url_to_fs(url)
    files.put(f"{bake_dir}/", f"{root}/", recursive=True)
    pull(url, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(bake_dir)


def test_a_web_server_without_ranges_is_asked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bake_dir = baked(tmp_path)
    with served(bake_dir) as url:
        with monkeypatch.context() as patch:
            patch.setattr("recordbake.bake.places.files.copy", tearing)
            with pytest.raises(TransferError, match="goes on where it was"):
                pull(url, tmp_path / "to")
        pull(url, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(bake_dir)


def test_a_new_working_directory_is_nobodys_abandoned_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command may begin between its creation and its lock."""
    real = os.open
    met = []

    def meeting(path, flags, *rest, **named):
        if not met and ".x-" in str(path):
            met.append(path)
            workspaces._remove_abandoned(tmp_path, ".x-")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", meeting)
    with workspaces.workspace(tmp_path, ".x-") as work:
        assert work.is_dir()
    assert met


def test_what_arrives_damaged_is_refused_and_nothing_stays(tmp_path: Path, url: str) -> None:
    manifest = push(baked(tmp_path), url)
    info = manifest.archives["http_cache.tgz"]
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{root}/blobs/{info.sha256}", b"x" * info.size)
    with pytest.raises(DamagedError, match="arrived damaged"):
        pull(url, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_pull_over_http(tmp_path: Path) -> None:
    bake_dir = baked(tmp_path)
    push(bake_dir, (tmp_path / "remote").as_uri())
    with served(tmp_path / "remote") as url:
        pull(url, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(bake_dir)


def test_errors_say_what_to_do(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TransferError, match="there is no bake"):
        pull(url, tmp_path / "to")
    with pytest.raises(UsageError):
        pull("nonsense://x", tmp_path / "to")
    assert main(["push", str(tmp_path / "none"), url]) == 12
    assert main(["push", str(baked(tmp_path)), url]) == 0
    assert main(["pull", url, "--to", str(tmp_path / "to")]) == 0
    assert "sha256:" in capsys.readouterr().out
    assert json.loads((tmp_path / "to" / "manifest.json").read_bytes())["v"] == 1
