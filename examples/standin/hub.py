"""huggingface.co as its anonymous clients see it: who may see what, redirects, files.

Answers follow what was observed of huggingface_hub's requests: a small file is a relative redirect
into a cache, a large one a redirect to the CDN with a signature that is new each time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode

from standin import hub_api
from standin.hub_cdn import CDN, Cdn
from standin.hub_content import RENAMED, repositories
from standin.message import Request, Response
from standin.representation import part_of, unless_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.hub_content import Repo

__all__ = ["CDN", "HUB", "READER_TOKEN", "Hub"]

HUB = "huggingface.co"
# Whoever sends it sees private and gated repositories; for tests of credentials.
READER_TOKEN = "hf_example_reader"
TEXTS = (".json", ".md", ".txt", ".csv", ".gitattributes")


class Hub:
    """Routes a request to the repository it names, unless the rate limit is on."""

    def __init__(
        self, *, rate_limit_seconds: float = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._repos = repositories()
        self.cdn = Cdn(list(self._repos.values()))
        self._limit = rate_limit_seconds
        self._clock = clock
        self._first: float | None = None
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer any request for huggingface.co."""
        if self._limited():
            return _too_many()
        path = unquote(request.path)
        if path == "/api/agent-harnesses":
            return Response.of_json({"standardEnvVars": ["AI_AGENT", "AGENT"], "harnesses": {}})
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "resolve-cache"] and len(parts) > 6:
            return self._cached(request, parts[2], "/".join(parts[3:5]), parts[5], parts[6:])
        if parts[0] == "api":
            return self._api(request, parts[1:])
        kind = parts.pop(0) if parts[0] in {"datasets", "spaces"} else "models"
        if "resolve" in parts[1:3]:
            return self._resolve(request, kind, parts)
        return Response.of_text("Not Found", 404)

    def _limited(self) -> bool:
        """Whether the window that opened with the first request is still open."""
        with self._lock:
            now = self._clock()
            if self._first is None:
                self._first = now
            return now - self._first < self._limit

    def _find(self, request: Request, kind: str, name: str) -> Repo | Response:
        """The repository, or what the client gets instead of it."""
        if (kind, name) in RENAMED:
            target = request.target.replace(name, RENAMED[kind, name], 1)
            text = f"Temporary Redirect. Redirecting to {target}"
            return Response.of_text(text, 307, [("Location", target)])
        repo = self._repos.get((kind, name))
        allowed = request.header("Authorization") == f"Bearer {READER_TOKEN}"
        if repo is None or (repo.private and not allowed):
            # One answer for both: whether a private repository exists is private, too.
            return _refused(401, "RepoNotFound", "Invalid username or password.")
        return repo

    def _api(self, request: Request, parts: list[str]) -> Response:
        """`models/REPO[/revision/REV | /tree/REV[/FOLDER] | /paths-info/REV]`."""
        kind, rest = parts[0], parts[1:]
        actions = {"revision", "tree", "paths-info"}
        # A name has one part or two: what follows it tells.
        length = next((n for n in (1, 2) if rest[n : n + 1] and rest[n] in actions), len(rest))
        name, action = "/".join(rest[:length]), rest[length : length + 1]
        if kind not in {"models", "datasets"} or not name:
            return Response.of_json({"error": "Not Found"}, 404)
        repo = self._find(request, kind, name)
        if isinstance(repo, Response):
            return repo
        revision = (rest[length + 1 :] or ["main"])[0]
        if not repo.has_revision(revision):
            return _no_revision(revision)
        if action == ["tree"]:
            return hub_api.tree(request, repo, revision, "/".join(rest[length + 2 :]))
        if action == ["paths-info"]:
            return hub_api.paths_info(request, repo)
        return hub_api.describe(request, repo)

    def _resolve(self, request: Request, kind: str, parts: list[str]) -> Response:
        """`REPO/resolve/REV/FILE`: never the file itself, always where it is."""
        at = parts.index("resolve", 1)
        name, revision, path = "/".join(parts[:at]), parts[at + 1], "/".join(parts[at + 2 :])
        repo = self._find(request, kind, name)
        if isinstance(repo, Response):
            return repo
        if repo.gated and request.header("Authorization") != f"Bearer {READER_TOKEN}":
            return _refused(403, "GatedRepo", f"Access to model {name} is restricted.")
        if not repo.has_revision(revision):
            return _no_revision(revision)
        file = repo.files.get(path)
        if file is None:
            return hub_api.missing("Entry not found", repo)
        headers = [("X-Repo-Commit", repo.commit), ("Accept-Ranges", "bytes")]
        if not file.large:
            cached = f"/api/resolve-cache/{kind}/{name}/{repo.commit}/{quote(path)}"
            query = urlencode({unquote(request.path): "", "etag": f'"{file.oid}"'})
            location = f"{cached}?{query}"
            status = 307
        else:
            location, status = self.cdn.location(repo, file, path), 302
            headers.append(("X-Linked-Size", str(len(file.data))))
            headers.append(("X-Linked-ETag", f'"{file.sha256}"'))
        headers.append(("Location", location))
        return Response.of_text(f"Redirecting to {location}", status, headers)

    def _cached(
        self, request: Request, kind: str, name: str, commit: str, path: list[str]
    ) -> Response:
        """The small file itself."""
        repo = self._find(request, kind, name)
        if isinstance(repo, Response):
            return repo
        file = repo.files.get("/".join(path))
        if file is None or commit != repo.commit:
            return hub_api.missing("Entry not found", repo)
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("ETag", f'"{file.oid}"'),
            ("X-Repo-Commit", repo.commit),
            ("Content-Disposition", f'inline; filename="{path[-1]}"'),
            ("Cache-Control", "public, max-age=31536000, immutable"),
        ]
        whole = Response(200, headers, file.data, gzip_text=path[-1].endswith(TEXTS))
        if request.header("Range"):
            whole = part_of(request, Response(200, headers, file.data))
        return unless_known(request, whole)


def _refused(status: int, code: str, message: str) -> Response:
    headers = [("X-Error-Code", code), ("X-Error-Message", message)]
    return Response.of_json({"error": message}, status, headers)


def _no_revision(revision: str) -> Response:
    return _refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")


def _too_many() -> Response:
    headers = [
        ("Retry-After", "1"),
        ("RateLimit", '"resolvers";r=0;t=1'),
        ("RateLimit-Policy", '"fixed window";"resolvers";q=3000;w=300'),
    ]
    message = "We had to rate limit you. Wait a little, or log in."
    return Response.of_json({"error": message}, 429, headers)
