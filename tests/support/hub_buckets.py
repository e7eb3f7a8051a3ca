"""A Hub with one bucket: its API here, its storage hf_xet's own, on this disk.

Routes: huggingface_hub's ``HfApi`` (``bucket_info``, ``list_bucket_tree``, ``batch_bucket_files``)
and ``HfFileSystem``. Where the answer that brings a token names ``local://DIRECTORY`` as the
storage, hf_xet writes there what it would send.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import hf_xet

from tests.support.hub_uploads import TOKEN, Answering

BUCKET = "team/bakes"


class Buckets(ThreadingHTTPServer):
    """One bucket, ``team/bakes``, for whoever has the token.

    Args:
        storage: a directory for hf_xet.
    """

    def __init__(self, storage: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.storage = storage
        self.files: dict[str, bytes] = {}
        self.added: list[str] = []  # paths, in order
        self.fetched: list[tuple[str, int]] = []  # paths and where a range starts
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def content(self, digest: str) -> bytes:
        """What hf_xet stored; from a copy, since it keeps the storage to its own process."""
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / "copy"
            shutil.copytree(self.storage, copy)
            group = hf_xet.XetSession().new_download_stream_group(endpoint=f"local://{copy}")
            return b"".join(group.download_stream(hf_xet.XetFileInfo(digest)))

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(Answering):
    server: Buckets

    def _refused(self) -> bool:
        known = f"/buckets/{BUCKET}" in self.path
        if known and self.headers["Authorization"] == f"Bearer {TOKEN}":
            return False
        self.send(b"{}", 404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no such one"})
        return True

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        if self._refused():
            return
        _, _, rest = self.path.partition("?")[0].partition(f"/buckets/{BUCKET}")
        what, _, path = rest.strip("/").partition("/")
        path = unquote(path)
        if what == "":
            self.send_json({"id": BUCKET, "private": True, "createdAt": "2026-01-01T00:00:00.000Z",
                             "size": 0, "totalFiles": len(self.server.files)})  # fmt: skip
        elif what == "xet-write-token":
            token = {"accessToken": "x", "exp": int(time.time()) + 3600}
            self.send_json({**token, "casUrl": f"local://{self.server.storage}"})
        elif what == "tree":
            self.send_json(
                [
                    {"type": "file", "path": name, "size": len(data), "xetHash": "0" * 64}
                    for name, data in self.server.files.items()
                    if name == path or name.startswith(f"{path}/") or not path
                ]
            )
        elif path in self.server.files:
            data = self.server.files[path]
            self.server.fetched.append((path, self.asked(len(data))[0]))
            self.send_range(data)
        else:
            self.send(b"", 404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused():
            return
        for line in map(json.loads, body.splitlines()):
            assert line["type"] == "addFile"
            self.server.files[line["path"]] = self.server.content(line["xetHash"])
            self.server.added.append(line["path"])
        self.send_json({"success": True, "processed": 1, "succeeded": 1, "failed": []})
