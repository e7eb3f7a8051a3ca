"""What selects an entry: a digest over everything a server may answer by.

Two requests share a key when a server cannot be expected to tell them apart: parameter order,
repeated parameters, ``//``, ``+`` and ``%20`` stay distinct; the scheme and host's case, the
default port and the fragment do not count (RFC 3986 section 6.2; RFC 9110 section 4.2.3).
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from functools import lru_cache
from operator import itemgetter

from .exchange import Headers, header
from .redaction import CREDENTIAL_HEADERS, redact_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .exchange import Head, Request


def own_step(made: Any, name: str) -> Any:
    """An object, one method of whose it finds in itself: its class's may become a mock."""
    setattr(made, name, getattr(made, name))
    return made


# A suite may replace functions of Python by mocks; these are the real ones.
sha256 = hashlib.sha256
decode_json: Callable[[str], Any] = own_step(json.JSONDecoder(), "raw_decode").decode
_encode: Callable[[Any], str] = own_step(
    json.JSONEncoder(sort_keys=True, separators=(",", ":")), "iterencode"
).encode
_encoding_of = json.detect_encoding

_first = itemgetter(0)
KEY_LENGTH = 32  # hexadecimal digits: 128 bits

#: Header fields by which RFC 9110 (sections 13 and 14) lets one resource answer differently.
CONDITIONS = frozenset(
    {
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
    }
)

#: Named by Vary but not compared: they differ between machines and releases, not in meaning.
#: Credentials and cookies are compared by kind, in the key itself.
_VARY_IGNORED = CREDENTIAL_HEADERS | {"accept-encoding", "user-agent", "origin", "cookie", "*"}

_ORIGIN_CREDENTIALS = CREDENTIAL_HEADERS - {"proxy-authorization"}

_URL = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)([^#]*)")
#: What is normal as it is, and has no place for a secret: most URLs, told at once.
_PLAIN_URL = re.compile(r"https?://([a-z0-9_.-]+)(?::(?!80/|443/)[0-9]+)?/[^#=]*")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)
_GZIP = b"\x1f\x8b\x08"
_ZLIB = 0x78  # deflate with the usual window (RFC 1950 section 2.2)
_MAX_CONTENT = 64 * 1024 * 1024  # bytes: a request body is not worth more memory
_PORT = re.compile(r":([0-9]{1,5})$")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


def normalise_url(url: str, extra: re.Pattern[str] | None = None) -> str:
    """The URL that keys and journals use: redacted, scheme and host lower case, no default port.

    Args:
        url: an absolute URL.
        extra: further query parameters to neutralise.
    """
    return known_as(url, extra)[0]


def known_as(url: str, extra: re.Pattern[str] | None = None) -> tuple[str, str]:
    """A URL as :func:`normalise_url` has it, and its host as :func:`host_of` has it."""
    plain = _PLAIN_URL.fullmatch(url)
    return _known_as(url, extra) if plain is None else (url, plain[1])


@lru_cache(maxsize=4096)
def _known_as(url: str, extra: re.Pattern[str] | None) -> tuple[str, str]:
    redacted = redact_url(url, extra)
    match = _URL.match(redacted)
    if match is None:
        return redacted, host_of(redacted)
    scheme, authority, rest = match.group(1).lower(), match.group(2).lower(), match.group(3)
    default = _DEFAULT_PORT.get(scheme, "\0")
    while authority.endswith(default):
        authority = authority.removesuffix(default)
    normal = f"{scheme}://{authority}{rest if rest.startswith('/') else '/' + rest}"
    return normal, host_of(normal)


def host_of(url: str) -> str:
    """The host name of an absolute URL, lower case, without port; empty if there is none."""
    match = _URL.match(url)
    if match is None:
        return ""
    authority = match.group(2).rpartition("@")[2].lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def port_of(url: str) -> int | None:
    """The port of an absolute URL, or its scheme's; None where neither is known."""
    match = _URL.match(url)
    if match is None:
        return None
    port = _PORT.search(match.group(2)) or _PORT.search(
        _DEFAULT_PORT.get(match.group(1).lower(), "")
    )
    return None if port is None else int(port.group(1))


def credential_kind(headers: Headers, url: str = "") -> str:
    """Which credentials a request carries: ``a`` (authorization), ``c`` (cookie), both or none."""
    return _kind_of(traits_of(headers), url)


class Traits:
    """What the names of a request's header fields say.

    Args:
        names: as sent, in order.
    """

    __slots__ = ("authorized", "conditions", "cookie", "plain")

    def __init__(self, names: tuple[str, ...]) -> None:
        lowered = [name.lower() for name in names]
        self.authorized = not _ORIGIN_CREDENTIALS.isdisjoint(lowered)
        self.cookie = "cookie" in lowered
        #: (place, name in lower case) of those by which a resource answers differently.
        self.conditions = [(n, name) for n, name in enumerate(lowered) if name in CONDITIONS]
        #: They say nothing.
        self.plain = not (self.authorized or self.cookie or self.conditions)


#: A client sends few different sets of names.
_traits = lru_cache(maxsize=256)(Traits)


def traits_of(headers: Headers) -> Traits:
    """What the names of header fields say; the same object for the same names, as a rule."""
    return _traits(tuple(map(_first, headers)))  # no loop: this is done for each request


def _kind_of(traits: Traits, url: str) -> str:
    named = "@" in url.partition("://")[2].partition("/")[0]
    return ("a" if named or traits.authorized else "") + ("c" if traits.cookie else "")


def unzipped(body: bytes) -> bytes:
    """The content of a gzip or zlib body; the body itself where it is neither, damaged, too large.

    What begins like zlib has a header whose check bits fit (RFC 1950 section 2.2), and has to end
    with the checksum of its content.
    """
    if body.startswith(_GZIP):
        window = 16 + zlib.MAX_WBITS
    elif len(body) > 1 and body[0] == _ZLIB and not int.from_bytes(body[:2], "big") % 31:
        window = zlib.MAX_WBITS
    else:
        return body
    unzip = zlib.decompressobj(wbits=window)
    try:
        content = unzip.decompress(body, _MAX_CONTENT)
    except zlib.error:
        return body
    return content if unzip.eof and not unzip.unused_data else body


def from_json(text: bytes) -> Any:
    """The value of a JSON text, as :func:`json.loads` gives it.

    Raises:
        ValueError: it is none.
    """
    return decode_json(text.decode(_encoding_of(text), "surrogatepass"))


def body_digest(body: bytes, content_type: str) -> str:
    """A digest of a request body that ignores what carries no meaning.

    JSON objects are compared without member order (RFC 8259 section 4), lists with it; the
    boundary of multipart bodies (RFC 2046 section 5.1.1) is random and left out. Of gzip (RFC 1952)
    and zlib (RFC 1950) the content counts: a gzip header has a time, a boundary may be inside, and
    compressors differ between releases.
    """
    if not body:
        return ""
    body = unzipped(body)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            body = _encode(from_json(body)).encode()
        except (ValueError, RecursionError):
            pass
    elif media_type.startswith("multipart/") and (match := _BOUNDARY.search(content_type)):
        body = body.replace(match.group(1).encode("latin-1", "replace"), b"BOUNDARY")
    return sha256(body).hexdigest()


def request_key(request: Request, extra: re.Pattern[str] | None = None) -> str:
    """The key of a request: :data:`KEY_LENGTH` hexadecimal digits.

    Args:
        request: the request as it would go out.
        extra: further query parameters to neutralise.
    """
    return key_of(request, known_as(request.url, extra)[0], traits_of(request.headers))


def key_of(request: Request, url: str, traits: Traits) -> str:
    """The key of a request whose URL is known as ``url``."""
    headers, body = request.headers, request.body
    kind = digest = ""
    if body:
        digest = body_digest(body, header(headers, "content-type") or "")
    if not traits.plain or "@" in request.url:
        kind = _kind_of(traits, request.url)
    text = f"{request.method.upper()}\n{url}\n{kind}\n{digest}"
    for place, name in traits.conditions:
        text += f"\n{name}: {headers[place][1]}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_LENGTH]


def _value_digest(headers: Headers, name: str) -> str:
    value = ", ".join(v for n, v in headers if n.lower() == name)
    return sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def vary_of(head: Head, request: Request) -> dict[str, str] | None:
    """Digests of the request headers that the response's Vary names (RFC 9111 section 4.1)."""
    names = {
        part.strip().lower()
        for name, value in head.headers
        if name.lower() == "vary"
        for part in value.split(",")
    } - _VARY_IGNORED
    names.discard("")
    return {name: _value_digest(request.headers, name) for name in sorted(names)} or None


def vary_matches(vary: dict[str, str] | None, headers: Headers) -> bool:
    """Whether a request may be answered by an entry that was selected by these headers."""
    return vary is None or all(_value_digest(headers, n) == d for n, d in vary.items())


def vary_differs(vary: dict[str, str] | None, headers: Headers) -> list[str]:
    """The names, lower case, of the request headers that select another answer."""
    return [name for name, digest in (vary or {}).items() if _value_digest(headers, name) != digest]
