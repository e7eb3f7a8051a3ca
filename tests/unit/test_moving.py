"""push and pull: what arrives is what was sent, going on after a break, verified."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from typing import TYPE_CHECKING

import fsspec
import pytest

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

    def tearing(source, sink, advance):
        sink.write(source.read(100))
        raise ConnectionResetError(104, "reset")

    monkeypatch.setattr("recordbake.bake.moving._copy", tearing)
    with pytest.raises(TransferError, match="goes on where it was"):
        pull(url, tmp_path / "to")
    assert not (tmp_path / "to" / "manifest.json").exists()

    def counting(source, sink, advance):
        data = source.read()
        read.append(len(data))
        sink.write(data)

    monkeypatch.setattr("recordbake.bake.moving._copy", counting)
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
    monkeypatch.setattr(
        "recordbake.bake.moving._copy", lambda a, b, _: sent.append(b.write(a.read()))
    )
    push(bake_dir, url)
    assert sent == [manifest.archives["hf_cache.tgz"].size]
    pull(url, tmp_path / "to")


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

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "remote"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pull(f"http://127.0.0.1:{server.server_port}", tmp_path / "to")
        server.shutdown()
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
