"""The Hub's JSON API: descriptions of repositories and listings of their files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlencode

from standin.message import Request, Response

if TYPE_CHECKING:
    from standin.hub_content import File, Repo

# The real Hub's pages hold 1000 files; ours are small so that small listings have a second one.
PAGE = 50
MOMENT = "2025-02-04T10:00:00.000Z"


def true(value: str) -> bool:
    """Clients write `true` (2.x) or `True` (0.x)."""
    return value.lower() in {"1", "true"}


def describe(request: Request, repo: Repo) -> Response:
    """What `model_info` and `dataset_info` return."""
    blobs = true(request.query.get("blobs", ""))
    siblings = [
        {"rfilename": path, **(_blob(file) if blobs else {})} for path, file in _sorted(repo)
    ]
    answer = {
        "_id": repo.commit[:24],
        "id": repo.name,
        "author": repo.name.partition("/")[0],
        "sha": repo.commit,
        "lastModified": MOMENT,
        "createdAt": MOMENT,
        "private": repo.private,
        "gated": "auto" if repo.gated else False,
        "disabled": False,
        "downloads": 1234,
        "likes": 7,
        "tags": repo.tags,
        "siblings": siblings,
        "usedStorage": sum(len(file.data) for file in repo.files.values()),
    }
    if repo.kind == "models":
        answer["modelId"] = repo.name
    return Response.of_json(answer, headers=[("ETag", f'"{repo.commit}"')])


def tree(request: Request, repo: Repo, revision: str, folder: str) -> Response:
    """One page of a folder's listing; a Link header leads to the next one."""
    recursive = true(request.query.get("recursive", ""))
    rows = _rows(repo, folder, recursive=recursive)
    if folder and not rows:
        return missing(f"{folder} does not exist on {revision!r}", repo)
    size = min(int(request.query.get("limit", PAGE)), PAGE)
    start = int(request.query.get("cursor", 0))
    headers = [("X-Repo-Commit", repo.commit)]
    if start + size < len(rows):
        query = urlencode({**request.query, "limit": size, "cursor": start + size})
        url = f"{request.scheme}://{request.host}{request.path}?{query}"
        headers.append(("Link", f'<{url}>; rel="next"'))
    return Response.of_json(rows[start : start + size], headers=headers)


def paths_info(request: Request, repo: Repo) -> Response:
    """Look up given paths; those that do not exist are left out, as on the real Hub."""
    if "json" in request.header("Content-Type"):
        wanted = json.loads(request.body)["paths"]
    else:
        wanted = parse_qs(request.body.decode())["paths"]
    rows = {row["path"]: row for row in _rows(repo, "", recursive=True)}
    return Response.of_json([rows[path] for path in wanted if path in rows])


def missing(message: str, repo: Repo) -> Response:
    """A file that is not in this commit: the commit is named, so that clients cache the absence."""
    headers = [
        ("X-Error-Code", "EntryNotFound"),
        ("X-Error-Message", message),
        ("X-Repo-Commit", repo.commit),
    ]
    return Response.of_text(message, 404, headers)


def encoded(path: str) -> str:
    """A path as the Hub writes it into redirects."""
    return quote(unquote(path))


def _sorted(repo: Repo) -> list[tuple[str, File]]:
    return sorted(repo.files.items())


def _blob(file: File) -> dict[str, object]:
    about: dict[str, object] = {"blobId": file.oid, "size": len(file.data)}
    if file.large:
        sizes = {"size": len(file.data), "pointerSize": len(file.pointer)}
        about["lfs"] = {"sha256": file.sha256, **sizes}
    return about


def _row(path: str, file: File) -> dict[str, object]:
    row: dict[str, object] = {"type": "file", "oid": file.oid, "size": len(file.data), "path": path}
    if file.large:
        sizes = {"size": len(file.data), "pointerSize": len(file.pointer)}
        row["lfs"] = {"oid": file.sha256, **sizes}
    return row


def _rows(repo: Repo, folder: str, *, recursive: bool) -> list[dict[str, object]]:
    """Files and folders below `folder`, folders first as the Hub lists them."""
    prefix = f"{folder}/" if folder else ""
    below = [(path, file) for path, file in _sorted(repo) if path.startswith(prefix)]
    depth = prefix.count("/")
    folders = {
        "/".join(path.split("/")[:level])
        for path, _ in below
        for level in range(depth + 1, path.count("/") + 1)
        if recursive or level == depth + 1
    }
    files = [_row(path, file) for path, file in below if recursive or path.count("/") == depth]
    size_of_none = {"size": 0, "oid": "0" * 40, "type": "directory"}
    return [*({**size_of_none, "path": path} for path in sorted(folders)), *files]
