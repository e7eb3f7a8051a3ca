"""What a caller saw, as data that can be compared."""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.clients.asking import BLOCK, LINES, TWICE, WHOLE

if TYPE_CHECKING:
    from http.cookiejar import CookieJar


def seen(status, reason, headers, body, url="", history=(), version="", **more) -> dict:
    """What every client shows; ``body`` is bytes, or a list of pieces."""
    pieces = body if isinstance(body, list) else None
    data = b"".join(body) if isinstance(body, list) else body
    found = {
        "status": status,
        "reason": reason,
        "headers": [list(map(str, pair)) for pair in headers],
        "body": data.decode("latin-1")[:3000],
        "size": len(data),
        "digest": hashlib.sha256(data).hexdigest()[:16],
        "url": str(url),
        "history": [list(map(str, item)) for item in history],
        "version": str(version),
    }
    if pieces is not None:
        found["pieces"] = [len(piece) for piece in pieces]
    return found | more


def error(raised: BaseException) -> dict:
    """An exception as a caller sees it: the types it wraps, and what it says."""
    chain, texts = [], []
    at: object = raised
    while isinstance(at, BaseException) and len(chain) < 5:
        chain.append(f"{type(at).__module__}.{type(at).__qualname__}")
        texts.append(_plain(str(at)))
        reason = getattr(at, "reason", None)
        inner = [a for a in at.args if isinstance(a, BaseException)]
        at = reason if isinstance(reason, BaseException) else at.__cause__ or (inner or [None])[0]
    return {"error": chain, "text": texts, "args": _plain(repr(raised.args))}


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]{6,}", "0x", text)


def jar(cookies: CookieJar) -> list:
    """A session's cookies; when they expire is seen as days from now, or as the day it is."""
    return sorted(
        [c.domain, c.path, c.name, str(c.value), c.secure, c.discard, c.domain_specified,
         c.expires is not None and _days(c.expires), sorted(c._rest)]
        for c in cookies
    )  # fmt: skip


def _days(expires: float) -> int:
    """From now for a Max-Age, which is less than a year here; an Expires stays the day it names."""
    left = round((expires - time.time()) / 86400)
    return left if left < 366 else round(expires / 86400)


def read_file(file, how: str):
    """A response that is a file of bytes, read as ``how`` says; what fails is seen too."""
    if how == LINES:
        return list(file)
    if how == WHOLE:
        return file.read()
    if how == TWICE:
        return [file.read(), file.read()]
    pieces = []
    while piece := file.read(BLOCK):
        pieces.append(piece)
    return pieces


def after(call):
    """What a second reading gives: bytes, or the name of what it raises."""
    with suppress(StopIteration):
        try:
            return len(call())
        except Exception as raised:  # noqa: BLE001
            return type(raised).__qualname__
    return "nothing"
