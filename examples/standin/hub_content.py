"""What the stand-in's Hub holds: a few small repositories, the same bytes at each start."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from standin.font import true_type
from standin.hosts import DATA


def blob_id(data: bytes) -> str:
    """The name git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class File:
    """One file; a large one (LFS) is served by the CDN, the others by the Hub itself."""

    data: bytes
    large: bool = False

    @property
    def sha256(self) -> str:
        """The content's digest, by which LFS and the CDN know it."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """The git object: of a large file that of its pointer, not of its content."""
        return blob_id(self.pointer if self.large else self.data)

    @property
    def pointer(self) -> bytes:
        """What git holds in place of a large file."""
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}")
        return "\n".join((*lines, f"size {len(self.data)}", "")).encode()


@dataclass(frozen=True)
class Repo:
    """A repository with a single commit on `main`."""

    kind: str
    name: str
    files: dict[str, File]
    private: bool = False
    gated: bool = False
    tags: list[str] = field(default_factory=list)

    @property
    def commit(self) -> str:
        """A commit id that changes with the content, as git's would."""
        tree = "".join(f"{path} {file.oid}\n" for path, file in sorted(self.files.items()))
        return hashlib.sha1(f"{self.name}\n{tree}".encode(), usedforsecurity=False).hexdigest()

    def has_revision(self, revision: str) -> bool:
        """The branch and the commit, whole or shortened."""
        return revision in {"main", "refs/heads/main"} or (
            len(revision) >= 7 and self.commit.startswith(revision)
        )


def _text(text: str) -> File:
    return File(text.encode())


def _json(value: object) -> File:
    return File(json.dumps(value, indent=2).encode() + b"\n")


def _weights(size: int) -> File:
    return File(hashlib.shake_256(b"weights").digest(size), large=True)


_BERT = {"architectures": ["BertModel"], "hidden_size": 32, "model_type": "bert"}


def repositories() -> dict[tuple[str, str], Repo]:
    """All repositories by kind ("models", "datasets") and name."""
    chonk = File((DATA / "pipeline-cat-chonk.jpeg").read_bytes(), large=True)
    many = {f"part/{n:04}.txt": _text(f"part {n}\n") for n in range(60)}
    all_of_them = [
        Repo(
            "models",
            "hf-internal-testing/tiny-random-bert",
            {
                ".gitattributes": _text("*.bin filter=lfs diff=lfs merge=lfs -text\n"),
                "README.md": _text("# Tiny random BERT\n\nA model that knows nothing.\n"),
                "config.json": _json(_BERT),
                "onnx/config.json": _json({**_BERT, "opset": 17}),
                "pytorch_model.bin": _weights(40_000),
            },
            tags=["transformers", "pytorch", "bert"],
        ),
        Repo("models", "google-bert/bert-base-cased", {"config.json": _json(_BERT)}),
        Repo(
            "models",
            "ybelkada/fonts",
            {"Arial.TTF": File(true_type(), large=True), "README.md": _text("# Fonts\n")},
        ),
        Repo("models", "example/private", {"config.json": _json(_BERT)}, private=True),
        Repo("models", "example/gated", {"config.json": _json(_BERT)}, gated=True),
        Repo(
            "datasets",
            "huggingface/documentation-images",
            {"README.md": _text("# Images\n"), "pipeline-cat-chonk.jpeg": chonk},
        ),
        Repo("datasets", "example/many-files", many),
    ]
    return {(repo.kind, repo.name): repo for repo in all_of_them}


RENAMED = {("models", "bert-base-cased"): "google-bert/bert-base-cased"}
