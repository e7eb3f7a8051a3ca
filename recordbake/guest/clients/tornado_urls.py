"""Where a request of tornado's goes, hop by hop."""

from __future__ import annotations

from ..exchange import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..exchange import Head

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTTPS = 443


def split(url: str) -> Any:
    """A URL's parts."""
    from urllib.parse import urlsplit

    return urlsplit(url)


def port_of(parts: Any) -> int:
    """The port, the scheme's own where none is named."""
    try:
        port: int | None = parts.port
    except ValueError:
        port = None  # whoever connects says so
    return port or (_HTTPS if parts.scheme == "https" else 80)


def origin_of(url: str) -> str:
    """Scheme and authority, without credentials."""
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def after(url: str, head: Head) -> str:
    """The URL that a client asks for next that follows redirects (RFC 9110 section 15.4)."""
    location = header(head.headers, "location") if head.status in _REDIRECTS else None
    if location is None:
        return url
    from urllib.parse import urljoin

    try:
        return urljoin(url, location.strip())
    except ValueError:
        return url  # none that anybody can follow


def becomes_get(method: str, status: int) -> bool:
    """Whether a redirect makes a GET of a request (RFC 9110 sections 15.4.2 to 15.4.4)."""
    return method != "HEAD" if status == 303 else status in (301, 302) and method == "POST"  # noqa: PLR2004


def without_tls(url: str) -> str:
    """The same authority over plain HTTP, told apart from its own port 80."""
    parts = split(url)
    if parts.scheme != "https":
        return url
    authority = parts.netloc if _names_port(parts) else f"{parts.netloc}:{_HTTPS}"
    return f"http://{authority}{_behind_authority(url, parts)}"


def with_tls(url: str, like: str) -> str:
    """The inverse of :func:`without_tls`, for a URL whose authority was named as in ``like``."""
    parts = split(url)
    authority = parts.netloc
    if not _names_port(split(like)):
        authority = authority.removesuffix(f":{_HTTPS}")
    return f"https://{authority}{_behind_authority(url, parts)}"


def _behind_authority(url: str, parts: Any) -> str:
    """Path and all that follows, as they are written: an empty query is another one than none."""
    return url.partition("//")[2][len(parts.netloc) :]


def _names_port(parts: Any) -> bool:
    host = parts.netloc.rpartition("@")[2]
    return ":" in host.rpartition("]")[2]
