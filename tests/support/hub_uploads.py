"""A Hub that takes uploads, as huggingface_hub sends them without hf_xet: LFS, then one commit.

Protocol: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md (transfer ``basic``), and
huggingface_hub's ``_commit_api`` (``preupload``, ``commit``).
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

TOKEN = "hf_writer"


class Hub(ThreadingHTTPServer):
    """One dataset, ``team/bakes``, for whoever has the token.

    Args:
        regular: files of fewer bytes travel within the commit.
    """

    def __init__(self, regular: int = 2000) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.regular = regular
        self.objects: dict[str, bytes] = {}
        self.commits: list[dict[str, str]] = []  # path -> sha256, each
        self.requests: list[str] = []
        self.starts: list[int] = []  # of downloads, in bytes
        self.stall_at: int | None = None  # a download that starts there or later, once
        self.stall_put: int | None = None  # the upload, counted from 1, that is never answered
        self.stalled = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def commit_id(self, number: int = -1) -> str:
        return hashlib.sha1(json.dumps(self.commits[number]).encode()).hexdigest()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Answering(BaseHTTPRequestHandler):
    """Sends JSON, bytes and ranges of bytes."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def send_json(self, document: object, status: int = 200) -> None:
        self.send(json.dumps(document).encode(), status, {"Content-Type": "application/json"})

    def send(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def asked(self, size: int) -> tuple[int, int]:
        """The bytes that are asked for, from and up to."""
        first, _, last = (self.headers["Range"] or "bytes=0-").removeprefix("bytes=").partition("-")
        return int(first), int(last or size - 1) + 1

    def send_range(self, data: bytes, headers: dict[str, str] | None = None) -> None:
        start, end = self.asked(len(data))
        ranged = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
        if not self.headers["Range"]:
            self.send(data, 200, headers)
        else:
            self.send(data[start:end], 206, {**(headers or {}), **ranged})


class _Handler(Answering):
    server: Hub

    def _refused(self) -> bool:
        self.server.requests.append(f"{self.command} {self.path}")
        known = self.path.startswith(("/api/datasets/team/bakes", "/datasets/team/bakes"))
        if known and self.headers["Authorization"] == f"Bearer {TOKEN}":
            return False
        if self.path.startswith("/lfs/"):
            return False
        self.send(b"{}", 401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no such one"})
        return True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused():
            return
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            self.send_json({"files": [
                {"path": f["path"], "shouldIgnore": False,
                 "uploadMode": "regular" if f["size"] < self.server.regular else "lfs"}
                for f in files
            ]})  # fmt: skip
        elif self.path.endswith("/info/lfs/objects/batch"):
            found = json.loads(body)["objects"]
            self.send_json({"transfer": "basic", "objects": [self._wanted(o) for o in found]})
        elif "/paths-info/" in self.path:
            wanted = parse_qs(body.decode())["paths"]
            if self.headers["Content-Type"] == "application/json":
                wanted = json.loads(body)["paths"]
            files = self._files(self.path.rpartition("/")[2])
            self.send_json([self._row(path, files[path]) for path in wanted if path in files])
        elif "/commit/" in self.path:
            self._commit([json.loads(line) for line in body.splitlines()])

    def _row(self, path: str, oid: str) -> dict[str, object]:
        return {
            "type": "file",
            "path": path,
            "oid": "0" * 40,
            "size": len(self.server.objects[oid]),
        }

    def _tree(self, commit: str, folder: str) -> None:
        """The files of a folder; folders in it are not asked for."""
        files = self._files(unquote(commit))
        found = [(p, oid) for p, oid in files.items() if p.rpartition("/")[0] == folder]
        if found:
            self.send_json([self._row(*pair) for pair in found])
        else:
            self.send(b"", 404, {"X-Error-Code": "EntryNotFound"})

    def _files(self, commit: str) -> dict[str, str]:
        ids = [self.server.commit_id(n) for n in range(len(self.server.commits))]
        return self.server.commits[ids.index(commit)]

    def _wanted(self, found: dict[str, object]) -> dict[str, object]:
        if found["oid"] in self.server.objects:
            return found
        action = {"href": f"{self.server.url}/lfs/{found['oid']}", "header": {}}
        return {**found, "actions": {"upload": action}}

    def _commit(self, lines: list[dict[str, object]]) -> None:
        files = dict(self.server.commits[-1]) if self.server.commits else {}
        for line in lines:
            value = line["value"]
            assert isinstance(value, dict)
            if line["key"] == "file":
                data = base64.b64decode(value["content"])
                files[value["path"]] = hashlib.sha256(data).hexdigest()
                self.server.objects[files[value["path"]]] = data
            elif line["key"] == "lfsFile":
                assert value["oid"] in self.server.objects
                files[value["path"]] = value["oid"]
        self.server.commits.append(files)
        commit = self.server.commit_id()
        url = f"{self.server.url}/datasets/team/bakes/commit/{commit}"
        self.send_json({"success": True, "commitOid": commit, "commitUrl": url})

    def _stall(self) -> None:
        """Answer nothing until the client is gone; only once."""
        self.server.stall_at = self.server.stall_put = None
        self.server.stalled.set()
        with suppress(ConnectionError):
            self.rfile.read(1)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused():
            return
        if self.server.stall_put is not None:
            self.server.stall_put -= 1
            if self.server.stall_put == 0:
                self._stall()
                return
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(body).hexdigest() == oid
        self.server.objects[oid] = body
        self.send(b"")

    def do_GET(self) -> None:
        if self._refused():
            return
        if "/tree/" in self.path:
            commit, _, folder = self.path.partition("?")[0].partition("/tree/")[2].partition("/")
            self._tree(commit, unquote(folder))
            return
        if self.path.startswith("/api/"):
            _, _, commit = self.path.partition("/revision/")
            self.send_json({"id": "team/bakes", "sha": commit or self.server.commit_id()})
            return
        _, _, rest = self.path.partition("/resolve/")
        commit, _, path = rest.partition("/")
        files = self._files(commit)
        if path not in files:
            self.send(b"", 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        data = self.server.objects[files[path]]
        start, _ = self.asked(len(data))
        headers = {"ETag": f'"{files[path]}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if self.command == "GET":
            self.server.starts.append(start)
            if self.server.stall_at is not None and start >= self.server.stall_at:
                self._stall()
                return
        self.send_range(data, headers)

    do_HEAD = do_GET  # noqa: N815 - http.server's name
