"""The CDN that holds large files, reached only with a signature that the Hub has issued."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from standin.message import Request, Response
from standin.representation import part_of

if TYPE_CHECKING:
    from standin.hub_content import File, Repo

CDN = "cas-bridge.xethub.hf.co"


class Cdn:
    """Signs locations and serves them; a made-up or blanked signature gets 403, as on S3."""

    def __init__(self, repos: list[Repo]) -> None:
        self._secret = secrets.token_bytes(32)
        self._number = itertools.count(1)
        self._files: dict[str, File] = {}
        for repo in repos:
            large = (file for file in repo.files.values() if file.large)
            self._files.update({self._path(repo, file): file for file in large})

    @staticmethod
    def _path(repo: Repo, file: File) -> str:
        return f"/xet-bridge-us/{repo.commit[:24]}/{file.sha256}"

    def location(self, repo: Repo, file: File, name: str) -> str:
        """A URL for the file that was never given out before, even within one second."""
        path = self._path(repo, file)
        now = datetime.now(timezone.utc)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        nonce = f"{next(self._number)}"
        signature = self._signature(path, date, nonce)
        parameters = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
            "X-Amz-Credential": f"cas/{date[:8]}/us-east-1/s3/aws4_request",
            "X-Amz-Date": date,
            "X-Amz-Expires": "3600",
            "X-Amz-Signature": signature,
            "X-Amz-SignedHeaders": "host",
            "X-Xet-Cas-Uid": "public",
            "response-content-disposition": f'inline; filename="{name.rpartition("/")[2]}";',
            "x-id": "GetObject",
            "Expires": f"{int(now.timestamp()) + 3600}",
            "Policy": nonce,
            "Signature": signature[:32],
            "Key-Pair-Id": "K2L8F4GPSG1IFC",
        }
        return f"https://{CDN}{path}?{urlencode(parameters)}"

    def _signature(self, path: str, date: str, nonce: str) -> str:
        message = f"{path}\n{date}\n{nonce}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def handle(self, request: Request) -> Response:
        """Serve a file, whole or in part, to whoever was sent here."""
        file, given = self._files.get(request.path), request.query
        date, nonce = given.get("X-Amz-Date", ""), given.get("Policy", "")
        valid = self._signature(request.path, date, nonce)
        if not hmac.compare_digest(given.get("X-Amz-Signature", "").encode(), valid.encode()):
            return Response.of_text("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403)
        if file is None:
            return Response.of_text("<Error><Code>NoSuchKey</Code></Error>", 404)
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("ETag", f'"{file.sha256}"'),
            ("Content-Disposition", given.get("response-content-disposition", "inline")),
            ("Cache-Control", "public, max-age=31536000"),
        ]
        return part_of(request, Response(200, headers, file.data))
