"""push and pull against real servers: an OCI registry, S3, the Hub's upload protocol."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import bcrypt
import huggingface_hub
import pytest
from oras.provider import Registry

from recordbake.bake import bake
from recordbake.bake.moving import pull, push
from recordbake.errors import DamagedError, TransferError, UsageError
from tests.support import hub_buckets, hub_uploads, registries
from tests.support.bakes import contents, make_sample
from tests.support.cli import recordbake
from tests.support.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART = 64 << 10
#: push or pull with small parts; killed when so many bytes have gone.
CUT = f"""
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from recordbake.bake import moving
from recordbake.bake.places import place
place.PART, place.CHUNK = {PART}, {PART // 2}
what, bake_dir, url, limit = sys.argv[1:]
done = 0
@contextmanager
def progress(doing, total):
    def advance(count):
        global done
        done += count
        if done > int(limit):
            os.kill(os.getpid(), signal.SIGKILL)
    yield advance
moving.progress = progress
if what == "push":
    moving.push(Path(bake_dir), url)
else:
    moving.pull(url, Path(bake_dir))
"""
#: Within a part.
MIDDLE, ENDLESS = str(5 * PART // 2), "1000000000"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bake of several parts."""
    return baked(tmp_path_factory.mktemp("large"), 9 * PART // 2)


def baked(path: Path, size: int) -> Path:
    bake(make_sample(path / "sample", large=[random.Random(0).randbytes(size)]), path / "bake")
    return path / "bake"


def transfer(what: str, bake_dir: Path, url: str, limit: str, env: dict[str, str]) -> int:
    return subprocess.run(
        [sys.executable, "-c", CUT, what, str(bake_dir), url, limit],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env, check=False,
    ).returncode  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """HOST:PORT of a registry, and its log."""
    if registries.PROGRAM is None:
        pytest.skip("no registry is installed: apt-get install docker-registry")
    path = tmp_path_factory.mktemp("registry")
    with registries.registry(path) as host:
        yield host, path / "log"


def test_a_registry_keeps_a_bake_that_its_own_tools_can_pull(
    tmp_path: Path, large: Path, registry: tuple[str, Path]
) -> None:
    url = f"oci://{registry[0]}/team/bakes:nightly"
    sent = recordbake("push", str(large), url, cwd=tmp_path)
    assert sent.returncode == 0, sent.stderr
    assert sent.stderr == ""  # no progress where there is no terminal
    assert recordbake("pull", url, "--to", "to", cwd=tmp_path).returncode == 0
    assert contents(tmp_path / "to") == contents(large)
    client = Registry(hostname=registry[0], insecure=True)
    client.pull(f"{registry[0]}/team/bakes:nightly", outdir=str(tmp_path / "theirs"))
    assert contents(tmp_path / "theirs") == contents(large)
    raw = client.do_request(f"http://{registry[0]}/v2/team/bakes/manifests/nightly", headers={
        "Accept": "application/vnd.oci.image.manifest.v1+json"}).content  # fmt: skip
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    push(large, f"oci://{registry[0]}/team/bakes:again")
    pull(f"oci://{registry[0]}/team/bakes@{digest}", tmp_path / "pinned")
    assert contents(tmp_path / "pinned") == contents(large)


def test_a_push_to_a_registry_that_is_killed_goes_on(
    tmp_path: Path, large: Path, registry: tuple[str, Path]
) -> None:
    url = f"oci://{registry[0]}/team/killed:1"
    assert transfer("push", large, url, MIDDLE, {}) == -signal.SIGKILL
    with pytest.raises(TransferError, match="there is no bake"):
        pull(url, tmp_path / "early")
    assert transfer("push", large, url, ENDLESS, {}) == 0
    sent = re.findall(r"PUT /v2/team/killed/blobs\S*digest=(\S+) ", registry[1].read_text())
    assert len(sent) == len(set(sent)) > 5, "a blob was sent twice"
    assert transfer("pull", tmp_path / "to", url, MIDDLE, {}) == -signal.SIGKILL
    assert not (tmp_path / "to" / "manifest.json").exists()
    before = len(registry[1].read_text())
    assert transfer("pull", tmp_path / "to", url, ENDLESS, {}) == 0
    assert contents(tmp_path / "to") == contents(large)
    fetched = re.findall(r'GET /v2/team/killed/blobs\S* HTTP/1.1" (\d+)',
                         registry[1].read_text()[before:])  # fmt: skip
    assert "206" in fetched, "nothing was gone on with"


def test_a_registry_that_wants_a_password_gets_docker_logins(
    tmp_path: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if registries.PROGRAM is None:
        pytest.skip("no registry is installed: apt-get install docker-registry")
    line = "ci:" + bcrypt.hashpw(b"pass word", bcrypt.gensalt(4)).decode()
    monkeypatch.setenv("HOME", str(tmp_path))
    with registries.registry(tmp_path / "registry", line) as host:
        url = f"oci://{host}/private/bake:1"
        with pytest.raises(TransferError):
            push(large, url)
        known = {"auths": {host: {"auth": base64.b64encode(b"ci:pass word").decode()}}}
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps(known))
        push(large, url)
        pull(url, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(large)


def test_what_a_registry_damaged_is_refused(tmp_path: Path, large: Path) -> None:
    if registries.PROGRAM is None:
        pytest.skip("no registry is installed: apt-get install docker-registry")
    with registries.registry(tmp_path / "registry") as host:
        url = f"oci://{host}/damaged/bake:1"
        manifest = push(large, url)
        digest = manifest.archives["http_cache.tgz"].sha256
        (blob,) = tmp_path.glob(f"registry/data/**/{digest}/data")
        data = bytearray(blob.read_bytes())
        data[1000] ^= 1
        blob.write_bytes(data)
        with pytest.raises(DamagedError, match="arrived damaged"):
            pull(url, tmp_path / "to")
        assert list((tmp_path / "to").iterdir()) == []
        with pytest.raises(TransferError, match="there is no bake"):
            pull(f"oci://{host}/damaged/bake:2", tmp_path / "to")


@pytest.mark.parametrize(
    "url",
    [
        "oci://",
        "oci://host/x",
        "oci://host.example",
        "hf://datasets/x",
        "hf://buckets/x",
    ],
)
def test_urls_that_name_nothing_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match=r"this is no (repository|bucket)"):
        pull(url, tmp_path)


def test_the_hub_takes_a_bake_in_one_commit(tmp_path: Path, large: Path) -> None:
    with hub_uploads.Hub() as hub:
        env = hub_env(hub, tmp_path)
        url = "hf://datasets/team/bakes"
        for _ in range(2):
            result = recordbake("push", str(large), url, cwd=tmp_path, env=env)
            assert result.returncode == 0, result.stderr
            assert result.stderr == ""  # no progress where there is no terminal
        assert len([r for r in hub.requests if r.startswith("PUT")]) == 1, "sent again"
        assert set(hub.commits[0]) == {"http_cache.tgz", "hf_cache.tgz", "manifest.json"}
        assert recordbake("push", str(large), url + "/v1", cwd=tmp_path, env=env).returncode == 0
        for n, where in enumerate((url, url + "/v1", f"{url}@{hub.commit_id(0)}")):
            result = recordbake("pull", where, "--to", f"to{n}", cwd=tmp_path, env=env)
            assert result.returncode == 0, result.stderr
            assert contents(tmp_path / f"to{n}") == contents(large)
        refused = recordbake("push", str(large), "hf://datasets/team/x", cwd=tmp_path, env=env)
        assert refused.returncode == 12
        assert "hf repos create team/x --type dataset --private" in refused.stderr
        assert recordbake("pull", url + "/no", "--to", "x", cwd=tmp_path, env=env).returncode == 12


def test_a_push_to_the_hub_that_is_killed_goes_on(tmp_path: Path, large: Path) -> None:
    with hub_uploads.Hub(regular=0) as hub:
        env = hub_env(hub, tmp_path)
        hub.stall_put = 2
        command = [
            sys.executable,
            "-m",
            "recordbake",
            "push",
            str(large),
            "hf://datasets/team/bakes",
        ]
        with subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)} | env
        ) as process:
            assert hub.stalled.wait(60)
            process.kill()
        assert hub.commits == [], "half a bake is seen"
        kept = set(hub.objects)
        assert kept
        hub.requests.clear()
        assert recordbake(*command[3:], cwd=tmp_path, env=env).returncode == 0
        sent = {r.rpartition("/")[2] for r in hub.requests if r.startswith("PUT")}
        assert sent == set(hub.objects) - kept, "what was there was sent again"
        pulled = recordbake("pull", command[-1], "--to", "to", cwd=tmp_path, env=env)
        assert pulled.returncode == 0, pulled.stderr
        assert contents(tmp_path / "to") == contents(large)


def test_a_pull_from_the_hub_that_is_killed_goes_on(tmp_path: Path) -> None:
    large = baked(tmp_path, 14 << 20)  # huggingface_hub asks for 5 MiB at a time
    with hub_uploads.Hub() as hub:
        env = hub_env(hub, tmp_path)
        push_env = ("push", str(large), "hf://datasets/team/bakes")
        assert recordbake(*push_env, cwd=tmp_path, env=env).returncode == 0
        hub.stall_at = 6 << 20
        command = [sys.executable, "-m", "recordbake", "pull", push_env[2], "--to", "to"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)} | env
        ) as process:
            assert hub.stalled.wait(60)
            process.kill()
        hub.starts.clear()
        assert not (tmp_path / "to" / "manifest.json").exists()
        assert recordbake(*command[3:], cwd=tmp_path, env=env).returncode == 0
        assert contents(tmp_path / "to") == contents(large)
        assert min(s for s in hub.starts if s) >= 5 << 20, "what was there was fetched again"
        assert hub.starts.count(0) == 1  # the manifest


@pytest.mark.skipif(
    not hasattr(huggingface_hub.HfApi, "batch_bucket_files"),
    reason="this huggingface_hub knows no buckets",
)
def test_a_bucket_of_the_hub(tmp_path: Path, large: Path) -> None:
    with hub_buckets.Buckets(tmp_path / "storage") as hub:
        env = hub_env(hub, tmp_path)
        url = "hf://buckets/team/bakes/nightly"
        assert transfer("push", large, url, MIDDLE, env) == -signal.SIGKILL
        there = list(hub.added)
        assert there
        assert "nightly/manifest.json" not in hub.files
        assert transfer("push", large, url, ENDLESS, env) == 0
        assert len(hub.added) == len(set(hub.added)) > len(there), "a part was sent twice"
        assert hub.added[-1] == "nightly/manifest.json"
        assert transfer("pull", tmp_path / "to", url, MIDDLE, env) == -signal.SIGKILL
        hub.fetched.clear()
        assert transfer("pull", tmp_path / "to", url, ENDLESS, env) == 0
        assert contents(tmp_path / "to") == contents(large)
        first = next(start for path, start in hub.fetched if "manifest" not in path)
        assert first > 0, "what was there was fetched again"
        again = recordbake("push", str(large), f"{url}/again", cwd=tmp_path, env=env)
        assert (again.returncode, again.stderr) == (0, "")  # no progress: there is no terminal
        nowhere = recordbake("push", str(large), "hf://buckets/team/x", cwd=tmp_path, env=env)
        assert nowhere.returncode == 12
        assert "hf buckets create team/x --private" in nowhere.stderr
        nothing = recordbake("pull", f"{url}/none", "--to", "x", cwd=tmp_path, env=env)
        assert nothing.returncode == 12
        assert "there is no bake" in nothing.stderr


def test_a_bucket_of_the_hub_needs_a_huggingface_hub_that_knows_it(
    tmp_path: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older one takes the URL for a model's."""
    monkeypatch.delattr(huggingface_hub.HfApi, "batch_bucket_files", raising=False)
    with pytest.raises(UsageError, match="knows no buckets"):
        push(large, "hf://buckets/team/bakes")


def test_a_bucket_of_s3(tmp_path: Path, large: Path) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    keys = {
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }  # fmt: skip
    try:
        s3 = boto3.client(
            "s3", endpoint_url=keys["AWS_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id="x", aws_secret_access_key="y",
        )  # fmt: skip
        s3.create_bucket(Bucket="team")
        nowhere = recordbake("push", str(large), "s3://nowhere/bakes", cwd=tmp_path, env=keys)
        assert nowhere.returncode == 12
        assert "there is no such place" in nowhere.stderr
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["team"], "made it"
        url = "s3://team/bakes/nightly"
        assert transfer("push", large, url, MIDDLE, keys) == -signal.SIGKILL
        there = {o["Key"]: o["LastModified"] for o in s3.list_objects(Bucket="team")["Contents"]}
        assert there
        assert "bakes/nightly/manifest.json" not in there
        assert transfer("push", large, url, ENDLESS, keys) == 0
        now = {o["Key"]: o["LastModified"] for o in s3.list_objects(Bucket="team")["Contents"]}
        assert there.items() <= now.items(), "what was there was sent again"
        assert transfer("pull", tmp_path / "to", url, MIDDLE, keys) == -signal.SIGKILL
        assert transfer("pull", tmp_path / "to", url, ENDLESS, keys) == 0
        assert contents(tmp_path / "to") == contents(large)
    finally:
        server.stop()


def hub_env(hub: hub_uploads.Hub | hub_buckets.Buckets, tmp_path: Path) -> dict[str, str]:
    return {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": hub_uploads.TOKEN, "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
