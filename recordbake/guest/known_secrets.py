"""Known secret values: what is found in the environment and the Hub's token file is never kept.

In a body a value is replaced by as many other bytes, so that lengths and parsing hold; in URLs and
keys by one short word, so that another value, or a replay that has none, selects the same entry.
See docs/adr/0021.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from urllib.parse import quote

from .codec import INLINE_LIMIT
from .keys import decode_json, own_step
from .redaction import PLACEHOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .exchange import Headers

# A suite may replace functions of Python by mocks; these are the real ones.
_sub = re.sub
_encode_json = own_step(json.JSONEncoder(), "iterencode").encode

#: Variables whose values are secrets.
NAMES = re.compile(r"(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
#: Shorter values, and values of few different characters, are words that bodies hold by chance.
MIN_LENGTH = 12
_MIN_DISTINCT = 6
_MAX_LENGTH = 4096
_FILLER = "_"
#: What a placeholder of any length looks like in a URL or a request body.
_PLACEHOLDERS = re.compile(f"{PLACEHOLDER}{_FILLER}+")
_PLACEHOLDERS_IN_BODY = re.compile(_PLACEHOLDERS.pattern.encode())

_FIELDS = rb"access_?token|refresh_?token|client_?secret|id_?token"
#: Compiled by :mod:`re` when there is such a body: many processes never see one.
_JSON_FIELD = rb'(?i)("(?:' + _FIELDS + rb')"\s*:\s*")((?:[^"\\.]+\.[^"\\.]+\.)?)([^"\\]{8,})(?=")'
_FORM_FIELD = rb"(?i)((?:^|&)(?:" + _FIELDS + rb")=)((?:[^&.]+\.[^&.]+\.)?)([^&]{8,})"
_MAX_CONTENT = 64 << 20


def is_secret(value: str) -> bool:
    """Whether a variable's value is taken for a secret: long, of many characters, no path."""
    return (
        MIN_LENGTH <= len(value) <= _MAX_LENGTH
        and len(set(value)) >= _MIN_DISTINCT
        and not value.startswith(("/", "~", "./"))
        and not any(character.isspace() for character in value)
    )


def named_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets of an environment by the variable's name, and the Hub's token if it has one."""
    found = {n: v for n, v in environ.items() if NAMES.search(n) and is_secret(v)}
    home = environ.get("HF_HOME")
    path = environ.get("HF_TOKEN_PATH") or (os.path.join(home, "token") if home else "")
    try:
        with open(path, encoding="utf-8") as stream:
            token = stream.read(_MAX_LENGTH).strip()
    except (OSError, ValueError):
        return found
    return found | {"the Hub's token file": token} if is_secret(token) else found


def equal_placeholder(length: int) -> bytes:
    """As many bytes in place of a secret."""
    return (PLACEHOLDER + _FILLER * length)[:length].encode()


def hide_fields(body: bytes, content_type: str) -> bytes:
    """A small JSON or form body with token fields replaced, by placeholders of equal length.

    Of a JWT (RFC 7519) only the signature is replaced: clients read the rest, and without a
    signature it is no credential.
    """
    lowered = content_type.lower()
    if "json" in lowered:
        return _sub(_JSON_FIELD, _equal_field, body)
    if "form-urlencoded" in lowered:
        return _sub(_FORM_FIELD, _equal_field, body)
    return body


def _equal_field(match: re.Match[bytes]) -> bytes:
    return match[1] + match[2] + equal_placeholder(len(match[3]))


class Secrets:
    """Replaces known values.

    Args:
        values: the secrets.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        spelled = {form for value in values for form in _spellings(value)}
        self._texts = sorted(spelled, key=lambda form: (-len(form), form))
        self.forms = [form.encode("utf-8", "surrogateescape") for form in self._texts]
        self.longest = max(map(len, self.forms), default=0)

    def __bool__(self) -> bool:
        return bool(self.forms)

    def text(self, text: str) -> str:
        """Text, such as a URL, with one short word for each secret or placeholder."""
        for form in self._texts:
            if form in text:
                text = text.replace(form, PLACEHOLDER)
        return _PLACEHOLDERS.sub(PLACEHOLDER, text) if PLACEHOLDER in text else text

    def data(self, value: Any) -> Any:
        """What JSON can hold, with one short word for each secret."""
        return decode_json(self.text(_encode_json(value))) if self.forms else value

    def content(self, body: bytes, content_type: str) -> bytes:
        """A request body as its key is made of, without secrets, tokens and their placeholders."""
        if not body:
            return body
        for form in self.forms:
            if form in body:
                body = body.replace(form, PLACEHOLDER.encode())
        if len(body) <= INLINE_LIMIT:
            body = hide_fields(body, content_type)
        if PLACEHOLDER.encode() in body:
            body = _PLACEHOLDERS_IN_BODY.sub(PLACEHOLDER.encode(), body)
        return body

    def equal(self, data: bytes) -> bytes:
        """Bytes of the same length without secrets."""
        for form in self.forms:
            if form in data:
                data = data.replace(form, equal_placeholder(len(form)))
        return data

    def headers(self, headers: Headers) -> Headers:
        """Header fields without secrets: by equal length, but in URLs by the short word."""
        text = "\n".join([value for _, value in headers])
        if PLACEHOLDER not in text:
            data = text.encode("utf-8", "surrogateescape") if self.forms else b""
            if not any(form in data for form in self.forms):
                return headers  # as mostly: looked at once, not field by field
        return [
            (
                name,
                self.text(value)
                if name.lower() in ("location", "content-location", "link", "referer")
                else self.equal(value.encode("utf-8", "surrogateescape")).decode(
                    "utf-8", "surrogateescape"
                ),
            )
            for name, value in headers
        ]


def _spellings(value: str) -> set[str]:
    """How a value is written in URLs, forms and JSON."""
    return {value, quote(value, safe=""), quote(value), _encode_json(value)[1:-1]}


class Stream:
    """Replaces secrets in a body that comes in pieces, wherever it is cut.

    Args:
        secrets: what to replace.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are sure to be clean; the beginning of a secret is held back."""
        clean = self._secrets.equal(self._held + data)
        cut = max(0, len(clean) - self._secrets.longest + 1)
        self._held = clean[cut:]
        return clean[:cut]

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._held = self._held, b""
        return rest


def recoded(body: bytes, encoding: str, content_type: str, secrets: Secrets) -> bytes | None:
    """A compressed body, compressed anew without secrets; None if it holds none or is not whole.

    Args:
        body: as sent.
        encoding: its Content-Encoding; gzip and deflate can be looked into.
        content_type: its Content-Type.
        secrets: what to replace.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return None
    unzip = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
    try:
        content = unzip.decompress(body, _MAX_CONTENT)
    except zlib.error:
        return None
    if not unzip.eof:
        return None
    clean = secrets.equal(content)
    if len(clean) <= INLINE_LIMIT:
        clean = hide_fields(clean, content_type)
    if clean == content:
        return None
    wbits = zlib.MAX_WBITS if encoding.strip().lower() == "deflate" else 16 + zlib.MAX_WBITS
    pack = zlib.compressobj(wbits=wbits)
    return pack.compress(clean) + pack.flush()
