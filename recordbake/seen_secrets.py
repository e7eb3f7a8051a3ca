"""Which secrets a recording run could see, kept as salted hashes for the bake's scan.

``secrets.json`` in a recording is never shipped. It holds for each value the variable's name, the
length, a salt and HMAC-SHA256 of the value; the bake looks for values that hash to it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from recordbake.files import read_small, write_atomically
from recordbake.guest.known_secrets import named_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NAME = "secrets.json"
_VERSION = 1
#: Bytes of a secret that is looked for: how large a variable can be on Linux (execve(2)).
_LONGEST = 128 << 10


def digest_of(salt: str, value: bytes) -> str:
    """HMAC-SHA256 of a value, hexadecimal.

    Args:
        salt: hexadecimal.
        value: the secret.
    """
    return hmac.new(bytes.fromhex(salt), value, hashlib.sha256).hexdigest()


def read(directory: Path) -> list[dict[str, Any]]:
    """What earlier runs saw: ``name``, ``length``, ``salt``, ``digest``; empty if damaged."""
    try:
        document = json.loads(read_small(directory / NAME))
        return [
            {"name": str(v["name"]), "length": int(v["length"]),
             "salt": bytes.fromhex(v["salt"]).hex(), "digest": str(v["digest"])}
            for v in document["values"] if 0 < int(v["length"]) <= _LONGEST
        ]  # fmt: skip
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return []


def write(directory: Path, values: Iterable[dict[str, Any]]) -> None:
    """Write them, readable by their owner only.

    Raises:
        OSError: the directory cannot be written.
    """
    document = {"v": _VERSION, "values": list(values)}
    before = os.umask(0o077)
    try:
        write_atomically(directory / NAME, json.dumps(document, indent=1).encode())
    finally:
        os.umask(before)


def remember(directory: Path, environ: Mapping[str, str]) -> None:
    """Add an environment's secrets to those that are remembered.

    Args:
        directory: the recording.
        environ: with ``HF_HOME`` set to the run's own, for a token that a test logged in with.

    Raises:
        OSError: the directory cannot be written.
    """
    known = read(directory)
    added = []
    for name, text in sorted(named_secrets(environ).items()):
        value = text.encode("utf-8", "surrogateescape")
        if not any(hmac.compare_digest(digest_of(k["salt"], value), k["digest"]) for k in known):
            salt = secrets.token_hex(16)
            added.append({"name": name, "length": len(value), "salt": salt,
                          "digest": digest_of(salt, value)})  # fmt: skip
    if added:
        write(directory, [*known, *added])
