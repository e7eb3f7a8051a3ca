"""A recording that is made while logged in: what the recording and its bake hold of the token."""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
import threading
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard

from tests.support.cli import recordbake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "s3cr3tValue0fACI/job+token"
COOKIE = SECRET.replace("/", "_")  # known to nobody; what names a session goes by its place
SPELLED = (SECRET, SECRET.replace("/", "%2F").replace("+", "%2B"), COOKIE)

GZIP = b"\x1f\x8b\x08"
YOU = json.dumps({"you": SECRET}).encode()
BODY = json.dumps([*range(500), SECRET, *range(500)]).encode()

SUITE = """
import json, os, pathlib, requests, sys
base, secret = sys.argv[1], os.environ["APP_TOKEN"]
home = pathlib.Path(os.environ["HF_HOME"])
if len(sys.argv) > 2:  # logged in on the developer's machine only
    home.mkdir(exist_ok=True)
    (home / "token").write_text(secret)
s = requests.Session()
s.headers["Authorization"] = f"Bearer {secret}"
s.cookies.set("session", secret.replace("/", "_"))
a = s.get(base + "/echo", params={"q": secret}, headers={"X-Odd": secret})
assert a.url.endswith("/landed?again=1") or a.history, a.url
body = a.json()
assert len(body["you"]) in (26, len(secret))
b = s.post(base + "/next", json={"seen": body["you"]})
c = s.get(base + "/large")
d = s.get(base + "/small")
assert len(d.json()["you"]) in (26, len(secret))
s.post(base + "/form", data={"password": secret, "grant": "x"})
s.get(base.replace("//", f"//ci:{secret.replace('/', '%2F')}@") + "/landed?userinfo")
print(a.status_code, b.status_code, len(c.content), len(a.history))
"""


class Echo(BaseHTTPRequestHandler):
    """Says what it was sent, in every place an answer has."""

    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path.startswith("/echo"):
            self._answer(302, SECRET.encode(), Location=f"/landed?code={SPELLED[1]}")
        elif self.path == "/small":  # within the store, not a file
            self._answer(200, gzip.compress(YOU), Content_Encoding="gzip")
        elif self.path == "/br":
            self._answer(200, brotli.compress(BODY), Content_Encoding="br")
        elif self.path == "/zstd":
            packed = zstandard.ZstdCompressor().compress(BODY)
            self._answer(200, packed, Content_Encoding="zstd")
        elif self.path.startswith("/large"):
            packed = gzip.compress(json.dumps([SECRET, *range(20_000)]).encode())
            self._answer(200, packed, Content_Encoding="gzip", Content_Type="application/json")
        else:
            cookie = f"id={SECRET}; Path=/"
            self._answer(200, YOU, Set_Cookie=cookie, Content_Type="application/json")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"{}", Content_Type="application/json")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def holding(directory: Path) -> list[str]:
    """Files with the secret in them, in archives and in what is compressed too."""
    found = []
    for path in directory.rglob("*"):
        if path.is_file():
            pieces = [path.read_bytes()]
            if path.suffix == ".tgz":
                pieces.append(gzip.decompress(pieces[0]))
                with tarfile.open(path) as tar:
                    pieces += [s.read() for m in tar if (s := tar.extractfile(m))]
            pieces += [opened for piece in pieces for opened in compressed(piece)]
            if any(s.encode() in piece for s in SPELLED for piece in pieces):
                found.append(path.name)
    return found


def compressed(data: bytes) -> Iterator[bytes]:
    """What every gzip stream in it says, wherever it begins: the store holds small bodies, too."""
    at = data.find(GZIP)
    while at >= 0:
        with suppress(zlib.error):
            yield zlib.decompressobj(31).decompress(data[at:])
        at = data.find(GZIP, at + 1)


def test_nothing_of_it_is_recorded_and_replays_do_without(tmp_path: Path, url: str) -> None:
    (tmp_path / "suite.py").write_text(SUITE)
    command = ["--", sys.executable, "suite.py", url]
    env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "APP_TOKEN": SECRET}
    result = recordbake("record", *command, "logged-in", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert "200 200" in result.stdout
    assert holding(tmp_path) == []
    (store,) = tmp_path.rglob("*.sqlite")
    assert [b"REDACTED" in body for body in compressed(store.read_bytes())] == [True], "not opened"
    (home,) = (tmp_path / ".recordbake").glob("hf_cache")
    (home / "stored_tokens").write_text(f"[ci]\nhf_token = {SECRET}\n")  # as a login leaves it
    (home / "token").write_text(SECRET)
    result = recordbake("bake", cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert "left out: hf_cache/stored_tokens, hf_cache/token (credential)" in result.stdout
    (home / "stored_tokens").unlink()
    (home / "token").unlink()
    assert holding(tmp_path) == []
    recordbake("unpack", ".recordbake/bake", "--to", "baked", cwd=tmp_path)
    assert holding(tmp_path) == []
    for value in (SECRET, "another-value-in-CI-12345"):  # the same requests, another secret
        replayed = recordbake(
            "replay", "--strict", "--recording", "baked", *command,
            cwd=tmp_path, env=env | {"APP_TOKEN": value},
        )  # fmt: skip
        assert replayed.returncode == 0, replayed.stderr + replayed.stdout
        assert "200 200" in replayed.stdout


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_what_recording_cannot_take_out_of_a_body_the_bake_refuses(
    tmp_path: Path, url: str, coding: str
) -> None:
    (tmp_path / "suite.py").write_text("import requests, sys; requests.get(sys.argv[1])")
    command = ["--", sys.executable, "suite.py", f"{url}/{coding}"]
    env = {"RECORDBAKE_CAPTURE_LOOPBACK": "1", "APP_TOKEN": SECRET}
    assert recordbake("record", *command, cwd=tmp_path, env=env).returncode == 0
    refused = recordbake("bake", cwd=tmp_path, env=env)
    assert refused.returncode == 15
    assert f"the value of APP_TOKEN in GET {url}/{coding}" in refused.stderr
    assert SECRET not in refused.stderr
    (tmp_path / "hidden").mkdir()
    for name in ("brotli", "brotlicffi", "zstandard"):
        (tmp_path / "hidden" / f"{name}.py").write_text("raise ImportError")
    unable = recordbake("bake", cwd=tmp_path, env=env | {"PYTHONPATH": str(tmp_path / "hidden")})
    assert unable.returncode == 0
    assert f"not looked into for secrets: 1 bodies in {coding}, such as GET {url}" in unable.stderr
