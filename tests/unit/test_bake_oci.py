"""A bake as layers of an OCI image: the digests fit, the same bytes each time, the base is kept."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from recordbake.bake import Options, bake
from recordbake.errors import DamagedError
from tests.support.bakes import make_sample

if TYPE_CHECKING:
    from pathlib import Path


_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from recordbake.cli import main; sys.exit(main(['verify', sys.argv[2]]))"
)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {m.name: s.read() for m in tar if (s := tar.extractfile(m))}


def docker_base(path: Path) -> bytes:
    """An image as ``docker save`` writes it; returns its one layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("etc")
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    layer = buffer.getvalue()
    config = {
        "architecture": "arm64", "os": "linux",
        "config": {"Env": ["PATH=/usr/bin", "LANG=C"], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
    }  # fmt: skip
    files = {
        "c.json": json.dumps(config).encode(), "x/layer.tar": layer,
        "manifest.json": json.dumps(
            [{"Config": "c.json", "RepoTags": ["a:b"], "Layers": ["x/layer.tar"]}]
        ).encode(),
    }  # fmt: skip
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return layer


def test_every_digest_fits_and_two_images_are_equal(tmp_path: Path) -> None:
    layer = docker_base(tmp_path / "base.tar")
    recording = make_sample(tmp_path / "sample")
    for name in ("one", "two"):
        image, base = tmp_path / f"{name}.tar", tmp_path / "base.tar"
        manifest = bake(recording, tmp_path / name, Options(image=image, base=base))
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    files = read(tmp_path / "one.tar")
    blobs = {n.rpartition("/")[2]: d for n, d in files.items() if n.startswith("blobs/")}
    assert all(sha256(data) == f"sha256:{name}" for name, data in blobs.items())
    (described,) = json.loads(files["index.json"])["manifests"]
    document = json.loads(blobs[described["digest"][7:]])
    config = json.loads(blobs[document["config"]["digest"][7:]])
    found = [blobs[item["digest"][7:]] for item in document["layers"]]
    assert [len(data) for data in found] == [item["size"] for item in document["layers"]]
    assert found[0] == layer
    plain = [layer, *map(gzip.decompress, found[1:])]
    assert config["rootfs"]["diff_ids"] == [sha256(data) for data in plain]
    environ = dict(pair.split("=", 1) for pair in config["config"]["Env"])
    assert environ["PATH"] == "/usr/bin:/opt/recordbake/bin"
    assert environ["LANG"] == "C"
    assert environ["HTTP_CACHE_DIR"] == "/opt/recordbake/http_cache"
    assert config["config"]["User"] == "65534:65534"
    assert config["config"]["Labels"]["a"] == "b"
    assert config["config"]["Labels"]["io.recordbake.manifest.digest"].endswith(manifest.digest)
    assert config["architecture"] == "arm64"
    assert json.loads(files["manifest.json"])[0]["Layers"] == [
        f"blobs/sha256/{item['digest'][7:]}" for item in document["layers"]
    ]


def test_the_layers_hold_a_recordbake_that_runs_without_dependencies(tmp_path: Path) -> None:
    bake(make_sample(tmp_path / "sample"), tmp_path / "bake", Options(image=tmp_path / "i.tar"))
    for name, data in read(tmp_path / "i.tar").items():
        if name.startswith("blobs/") and data.startswith(b"\x1f\x8b"):
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                assert {m.uid for m in tar} == {0}
                tar.extractall(tmp_path / "root", filter="data")
    root = tmp_path / "root" / "opt" / "recordbake"
    assert (root / "http_cache" / "requests_cache.sqlite").exists()
    assert (root / "manifest.json").read_bytes() == (tmp_path / "bake/manifest.json").read_bytes()
    assert (root / "bin" / "recordbake").stat().st_mode & 0o111
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _START, str(root / "lib"), str(tmp_path / "bake")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (root / "lib/recordbake/guest/_sitecustomize.py").exists()


@pytest.mark.parametrize("data", [b"", b"no tar", None])
def test_a_base_that_cannot_be_read_is_refused(tmp_path: Path, data: bytes | None) -> None:
    if data is None:
        with tarfile.open(tmp_path / "base.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("index.json"))
    else:
        (tmp_path / "base.tar").write_bytes(data)
    options = Options(image=tmp_path / "image.tar", base=tmp_path / "base.tar")
    with pytest.raises(DamagedError, match="base image"):
        bake(make_sample(tmp_path / "sample"), tmp_path / "bake", options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base.tar", "sample"]


def test_the_mode_of_an_image_makes_a_replay_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    from recordbake import runner
    from recordbake.cli import main

    seen = []
    monkeypatch.setattr(
        runner, "run_command", lambda _settings, mode, _command, **_: seen.append(mode) or 0
    )
    main(["replay", "--", "true"])
    monkeypatch.setenv("RECORDBAKE_MODE", "replay_strict")
    main(["replay", "--", "true"])
    assert seen == ["replay", "replay_strict"]


def test_without_any_writable_disk_temporary_files_go_to_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from recordbake import environment

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(environment.tempfile, "gettempdir", nowhere)
    monkeypatch.setattr(environment.tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    environment.ensure_temporary_directory()
    assert environment.os.environ["TMPDIR"] == environment.tempfile.tempdir == "/dev/shm"
