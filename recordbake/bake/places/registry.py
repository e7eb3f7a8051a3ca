"""An OCI registry: a bake as an artifact that ``oras pull`` gives back as the files it is.

Specifications: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (pushing a
blob monolithically) and image-spec's manifest.md (guidelines for artifact usage). Credentials are
those of ``docker login``. See docs/adr/0030.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from functools import partial
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, cast

import oras.container
import oras.provider
import requests
from oras.utils import append_url_params
from urllib3.util import Retry

from recordbake.bake.manifest import MANIFEST_NAME
from recordbake.bake.places.place import CHUNK, MANIFEST_LIMIT, Part, parts, write_all
from recordbake.errors import DamagedError, TransferError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo, Manifest

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
#: Types of our own: with those of an image's layers, tools would unpack the archives.
_TYPES = {
    "": "application/vnd.oci.empty.v1+json",
    ".json": "application/json",
    ".tgz": "application/vnd.recordbake.archive.v1.tar+gzip",
    ".zst": "application/vnd.recordbake.archive.v1.tar+zstd",
}
_LOOPBACK = re.compile(r"(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?")
_TITLE = "org.opencontainers.image.title"


class Registry:
    """``oci://REGISTRY/REPOSITORY[:TAG | @DIGEST]``; plain HTTP on loopback only.

    Args:
        url: of that form.

    Raises:
        UsageError: it is not.
    """

    def __init__(self, url: str) -> None:
        name = url.removeprefix("oci://").rstrip("/")
        host, _, rest = name.partition("/")
        if not rest or not set(".:") & set(host):
            raise UsageError(
                "this is no repository of a registry",
                where=url,
                next_step="write oci://REGISTRY/REPOSITORY:TAG",
            )
        self._url = url
        self._name = oras.container.Container(name)
        self._client = self._connected("token")
        asked = self._client.session.get(self._at(f"{host}/v2/"))
        if asked.headers.get("WWW-Authenticate", "").lower().startswith("basic"):
            self._client = self._connected("basic")
        self._layers: dict[str, Any] = {}

    def _connected(self, authentication: str) -> Any:
        host = self._name.registry
        client = oras.provider.Registry(
            host, insecure=_LOOPBACK.fullmatch(host) is not None, auth_backend=authentication
        )
        # Without its own repetitions, which wait for two minutes in all.
        client.do_request = partial(inspect.unwrap(type(client).do_request), client)
        retry = Retry(3, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
        for scheme in ("http://", "https://"):
            client.session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))
        client.auth.load_configs(self._name)
        return client

    def send(self, bake_dir: Path, manifest: Manifest, advance: Callable[[int], None]) -> None:
        """Upload blobs, then the manifest that names them."""
        layers = [self._blob_sent(MANIFEST_NAME, manifest.to_json())]
        for name, info in sorted(manifest.archives.items()):
            with (bake_dir / name).open("rb") as stream:
                for part in parts(info.size):
                    layers.append(self._blob_sent(name, stream.read(part.size), part.end))
                    advance(part.size)
        config = self._blob_sent("", b"{}")
        del config["annotations"]
        document = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": "application/vnd.recordbake.bake.v1",
            "config": config,
            "layers": layers,
            "annotations": {"io.recordbake.manifest.digest": f"sha256:{manifest.digest}"},
        }
        data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        self._request(self._at(self._name.manifest_url()), "PUT", data, {"Content-Type": _MANIFEST})

    def _blob_sent(self, name: str, data: bytes, end: str = "") -> dict[str, Any]:
        """Upload a blob unless it is there; returns its descriptor."""
        layer = {
            "mediaType": "application/octet-stream" if end else _TYPES[PurePath(name).suffix],
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "size": len(data),
            "annotations": {_TITLE: name + end},
        }
        if not self._client.blob_exists(layer, self._name):
            begun = self._request(self._at(self._name.upload_blob_url()), "POST")
            url = append_url_params(self._location(begun), {"digest": layer["digest"]})
            self._request(url, "PUT", data)
        return layer

    def _location(self, response: requests.Response) -> str:
        url = self._client._get_location(response, self._name)  # noqa: SLF001 - it has no other
        if not url:
            raise TransferError(
                "the registry does not say where to send to",
                where=self._url,
                next_step="see whether it is a registry for OCI artifacts, and run it again",
            )
        return cast("str", url)

    def _at(self, path: str) -> str:
        return f"{self._client.prefix}://{path}"

    def _request(
        self, url: str, method: str, data: bytes = b"", headers: dict[str, str] | None = None,
        *, stream: bool = False,
    ) -> requests.Response:  # fmt: skip
        sent = {"Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
        sent |= headers or {}
        response = self._client.do_request(
            url, method, data=data, headers=sent if method != "GET" else headers, stream=stream
        )
        if response.status_code == requests.codes.not_found and method == "GET":
            raise FileNotFoundError(2, "there is no such tag or blob")
        if not response.ok:
            raise TransferError(
                f"the registry answered {response.status_code}: {_beginning(response)}",
                where=self._url,
                next_step="log in (docker login, podman login), or see what the registry says",
            )
        return cast("requests.Response", response)

    def manifest(self) -> bytes:
        """The bytes of ``manifest.json``."""
        response = self._request(
            self._at(self._name.manifest_url()), "GET", headers={"Accept": _MANIFEST}, stream=True
        )
        content = response.raw.read(MANIFEST_LIMIT, decode_content=True)
        if self._name.digest:
            _compare(content, self._name.digest, self._url)
        try:
            layers = json.loads(content)["layers"]
            self._layers = {layer["annotations"][_TITLE]: layer for layer in layers}
            layer = self._layers[MANIFEST_NAME]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedError(
                "what is there is not a bake",
                where=self._url,
                next_step="push one: recordbake push BAKE URL",
            ) from error
        data = self._blob(layer["digest"]).raw.read(MANIFEST_LIMIT, decode_content=True)
        _compare(data, layer["digest"], self._url)
        return data

    def fetch(
        self, name: str, info: ArchiveInfo, target: Path, advance: Callable[[int], None]
    ) -> None:
        """Download an archive's blobs, going on where an earlier call was cut off."""
        with target.open("ab") as sink:
            advance(sink.tell())
            for part in parts(info.size):
                there = sink.tell() - part.start
                if there < part.size:
                    self._fetch(name + part.end, part, sink, advance)

    def _fetch(
        self, title: str, part: Part, sink: IO[bytes], advance: Callable[[int], None]
    ) -> None:
        start, end = part.start, part.start + part.size
        if title not in self._layers:
            raise FileNotFoundError(2, "there is no such layer", title)
        there = sink.tell() - start
        headers = {"Range": f"bytes={there}-"} if there else None
        with self._blob(self._layers[title]["digest"], headers) as response:
            if there and response.status_code != requests.codes.partial_content:
                sink.truncate(start)  # it knows no ranges: from the beginning
                sink.seek(start)
                advance(-there)
            write_all(response.iter_content(CHUNK), sink, advance, end)

    def _blob(self, digest: str, headers: dict[str, str] | None = None) -> requests.Response:
        url = self._at(self._name.get_blob_url(digest))
        return self._request(url, "GET", headers=headers, stream=True)


def _beginning(response: requests.Response) -> str:
    """What a registry says of an error, whose body may be without an end."""
    return str(response.raw.read(200, decode_content=True).decode("utf-8", "replace")).strip()


def _compare(data: bytes, digest: str, where: str) -> None:
    if digest != f"sha256:{hashlib.sha256(data).hexdigest()}":
        raise DamagedError(
            "what arrived does not have the digest that names it",
            where=where,
            next_step="pull again; if it stays so, push the bake again",
        )
