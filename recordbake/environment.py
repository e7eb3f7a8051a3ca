"""The environment that a recorded or replayed command runs in."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from recordbake.errors import UsageError
from recordbake.guest import attribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Set by the user, these would keep the Hub's online code path from running at all.
OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")

#: Where huggingface_hub looks for a token in the environment.
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
PLACEHOLDER_TOKEN = "hf_recordbakeplaceholder"  # noqa: S105  # stands in for one, is none

#: Variable -> path below HF_HOME. Source: huggingface_hub documentation, "Environment variables";
#: datasets and transformers documentation, "Cache management". Set only where the surroundings
#: set them, but for the first three: a deprecated variable makes its library warn.
_ALWAYS = {"HF_HOME": ".", "HF_HUB_CACHE": "hub", "HF_DATASETS_CACHE": "datasets"}
_WHERE_SET = {
    "HUGGINGFACE_HUB_CACHE": "hub",
    "TRANSFORMERS_CACHE": "hub",
    "PYTORCH_TRANSFORMERS_CACHE": "hub",
    "PYTORCH_PRETRAINED_BERT_CACHE": "hub",
    "HF_MODULES_CACHE": "modules",
    "HF_ASSETS_CACHE": "assets",
    "HUGGINGFACE_ASSETS_CACHE": "assets",
    "HF_XET_CACHE": "xet",
    "HF_TOKEN_PATH": "token",
    "HF_STORED_TOKENS_PATH": "stored_tokens",
}


#: Names the hook directory to the ``.pth`` of :mod:`recordbake.pth`.
HOOK_VARIABLE = "RECORDBAKE_HOOK"

_IN_MEMORY = "/dev/shm"  # noqa: S108 - names of our own in it are random

#: Below HF_HOME: what ``disk_caches`` names, a directory for each variable.
DISK_CACHES = "disk_caches"


def ensure_temporary_directory() -> None:
    """Let temporary files go to memory where a container's file system is read-only throughout.

    For us and for the command: ``TMPDIR`` is set. Where ``/dev/shm`` cannot be written either,
    nothing is changed.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        if os.access(_IN_MEMORY, os.W_OK):
            os.environ["TMPDIR"] = tempfile.tempdir = _IN_MEMORY


def has_token(environ: Mapping[str, str]) -> bool:
    """Whether a Hub token is in the environment."""
    return any(environ.get(name) for name in TOKEN_VARIABLES)


def command_environment(
    environ: Mapping[str, str],
    *,
    hook: Path,
    hf_home: Path,
    cache_home: Path,
    disk_caches: Iterable[str] = (),
) -> dict[str, str]:
    """The command's environment: hooked, with private caches, Xet off, the Hub online.

    Args:
        environ: the surroundings.
        hook: the hook directory.
        hf_home: the Hub caches of this run.
        cache_home: an empty directory for other caches (``XDG_CACHE_HOME``): a warm cache of the
            surroundings would hide requests from the recording.
        disk_caches: variables that name cache directories to be kept like the Hub's.

    Raises:
        UsageError: one of ``disk_caches`` cannot be a variable.
    """
    left_out = {*OFFLINE_SWITCHES, attribution.PASSES}
    result = {name: value for name, value in environ.items() if name not in left_out}
    result[HOOK_VARIABLE] = str(hook)
    python_path = environ.get("PYTHONPATH")
    result["PYTHONPATH"] = os.pathsep.join([str(hook), *([python_path] if python_path else [])])
    for name, below in _ALWAYS.items():
        result[name] = str(hf_home / below)
    for name, below in _WHERE_SET.items():
        if name in environ:
            result[name] = str(hf_home / below)
    if "TORCH_HOME" in environ:
        result["TORCH_HOME"] = str(cache_home / "torch")
    result["XDG_CACHE_HOME"] = str(cache_home)
    for name in disk_caches:
        if not name.isidentifier():
            raise UsageError(
                f"{name!r} is not the name of a variable",
                where="disk_caches",
                next_step='list names of variables: disk_caches = ["TORCH_HOME"]',
            )
        result[name] = str(hf_home / DISK_CACHES / name)
    # hf_xet downloads natively, where nothing can be captured or replayed.
    result["HF_HUB_DISABLE_XET"] = "1"
    return result


def set_token(environ: dict[str, str], *, recorded: bool, strict: bool) -> None:
    """Let the Hub's client send a token exactly if it did while recording.

    Answers to requests with and without credentials are never mixed up, so the kind has to be the
    same in CI, where the secret may not be at hand. A strict replay never sees the real one.
    """
    real = has_token(environ)
    if strict or not recorded:
        for name in TOKEN_VARIABLES:
            environ.pop(name, None)
    if recorded and (strict or not real):
        environ["HF_TOKEN"] = PLACEHOLDER_TOKEN
