"""A dataset (or model, or space) of the Hub, or a bucket.

https://huggingface.co/docs/huggingface_hub/guides/upload. In a dataset one commit holds a bake's
files, under their names; it is there as a whole or not at all. A file that the Hub has, from an
upload that was cut off too, is not sent again: huggingface_hub asks by digest, and of a file that
hf_xet sends, chunk by chunk. A bucket has no commits; it is a file system as others are.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import unquote

from recordbake.bake.manifest import MANIFEST_NAME
from recordbake.bake.places.files import Files
from recordbake.console import is_quiet, is_terminal
from recordbake.errors import TransferError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from recordbake.bake.manifest import ArchiveInfo, Manifest

_URL = re.compile(
    r"hf://(?:(?P<kind>dataset|space|model)s/)?(?!(?:dataset|space|model)s/)"
    r"(?P<name>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>[^/]+))?(?:/(?P<path>.*?))?/?"
)
_BUCKET = re.compile(r"hf://buckets/(?P<name>[^/@]+/[^/@]+)(?:/.*)?")


class HubRepository:
    """``hf://datasets/OWNER/NAME[@REVISION][/PATH]``, as huggingface_hub writes it.

    Args:
        url: of that form.

    Raises:
        UsageError: it is not.
    """

    def __init__(self, url: str) -> None:
        match = _URL.fullmatch(url)
        if match is None:
            raise UsageError(
                "this is no repository of the Hub",
                where=url,
                next_step="write hf://datasets/OWNER/NAME or hf://datasets/OWNER/NAME/PATH",
            )
        self._url = url
        self._name, self._kind = match["name"], match["kind"] or "model"
        self._revision = unquote(match["revision"]) if match["revision"] else None
        self._path = f"{match['path']}/" if match["path"] else ""
        self._files: Files
        if is_quiet() or not is_terminal(sys.stderr):
            from huggingface_hub.utils.tqdm import disable_progress_bars

            disable_progress_bars()

    def send(self, bake_dir: Path, manifest: Manifest, advance: Callable[[int], None]) -> None:
        """Upload in one commit; huggingface_hub shows progress of its own."""
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import RepositoryNotFoundError

        del advance
        names = (*manifest.archives, MANIFEST_NAME)
        try:
            HfApi().create_commit(
                self._name,
                repo_type=self._kind,
                operations=[
                    CommitOperationAdd(self._path + name, str(bake_dir / name)) for name in names
                ],
                commit_message=f"recordbake: sha256:{manifest.digest}",
                revision=self._revision,
            )
        except RepositoryNotFoundError as error:
            raise TransferError(
                "there is no such repository, or who is logged in may not write it",
                where=self._url,
                next_step="hf auth login, then:"
                f" hf repos create {self._name} --type {self._kind} --private",
            ) from error

    def manifest(self) -> bytes:
        """The bytes of ``manifest.json`` in the newest commit; archives come from the same."""
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        try:
            found = HfApi().repo_info(self._name, repo_type=self._kind, revision=self._revision)
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise FileNotFoundError(2, "there is no such repository or revision") from error
        kind = "" if self._kind == "model" else f"{self._kind}s/"
        self._files = Files(f"hf://{kind}{self._name}@{found.sha}/{self._path}")
        return self._files.manifest()

    def fetch(
        self, name: str, info: ArchiveInfo, target: Path, advance: Callable[[int], None]
    ) -> None:
        """Download an archive through the Hub's file system, which knows ranges."""
        self._files.fetch(name, info, target, advance)


class HubBucket(Files):
    """``hf://buckets/OWNER/NAME[/PATH]``, as huggingface_hub writes it; uploads need hf_xet.

    https://huggingface.co/docs/huggingface_hub/guides/buckets.

    Args:
        url: of that form.

    Raises:
        UsageError: it is not, or this huggingface_hub knows no buckets.
    """

    def __init__(self, url: str) -> None:
        import huggingface_hub
        from huggingface_hub.utils.tqdm import disable_progress_bars

        match = _BUCKET.fullmatch(url)
        if match is None:
            raise UsageError(
                "this is no bucket of the Hub",
                where=url,
                next_step="write hf://buckets/OWNER/NAME or hf://buckets/OWNER/NAME/PATH",
            )
        if not hasattr(huggingface_hub.HfApi, "batch_bucket_files"):  # it would mean a model
            raise UsageError(
                f"huggingface_hub {huggingface_hub.__version__} knows no buckets",
                where=url,
                next_step="pip install --upgrade huggingface_hub",
            )
        disable_progress_bars()  # one for each part; ours is one for all
        self._url, self._name = url, match["name"]
        super().__init__(url)

    def send(self, bake_dir: Path, manifest: Manifest, advance: Callable[[int], None]) -> None:
        """Upload what is missing, the manifest last."""
        import_module("hf_xet")  # if it is missing, say so before anything is sent

        try:
            super().send(bake_dir, manifest, advance)
        except FileNotFoundError as error:
            raise TransferError(
                "there is no such bucket, or who is logged in may not see it",
                where=self._url,
                next_step=f"hf auth login, then: hf buckets create {self._name} --private",
            ) from error
