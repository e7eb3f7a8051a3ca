"""What never reaches the disk: credentials in headers and URLs, and signatures that expire.

The redacted URL is also the URL that keys are made of, so that a signature which is new at each
request, or a token that differs between a laptop and CI, selects the same entry.
"""

from __future__ import annotations

import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .exchange import Headers

# A suite may replace functions of Python by mocks; these are the real ones.
_sub = re.sub

PLACEHOLDER = "REDACTED"

#: Request headers that carry a credential; the kind is part of the key, the value is not kept.
CREDENTIAL_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-amz-security-token",
        "x-goog-api-key",
        "private-token",
        "x-hf-token",
    }
)

#: Query parameters that are credentials wherever they appear.
SECRET_PARAMETERS = (
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "client_secret",
    "password",
)

# Signed URLs: the parameter that shows the scheme, and what goes with it. Sources: AWS SigV4
# query authentication; CloudFront signed URLs (canned and custom policy); Google Cloud Storage
# V2 and V4 signatures; Azure Storage shared access signatures; Alibaba OSS V1 and V4 and Tencent
# COS signatures in URLs.
_SIGNED = (
    ("x-amz-signature=", r"x-amz-[a-z-]+"),
    ("x-goog-signature=", r"x-goog-[a-z-]+"),
    ("signature=", r"signature|expires|policy|key-pair-id|(?:aws|google|oss)access(?:key)?id"),
    ("signature=", r"(?:x-amz-)?security-token"),
    ("x-oss-signature=", r"x-oss-[a-z-]+"),
    ("q-signature=", r"q-[a-z-]+|x-cos-security-token"),
    ("sig=", r"sig|se|st|sp|spr|sv|sr|ss|srt|sip|skoid|sktid|skt|ske|sks|skv"),
)


@lru_cache(maxsize=64)
def _pattern(names: str) -> re.Pattern[str]:
    """Compiled when it is needed, if ever: together they cost as much as all else of the guest."""
    return re.compile(rf"([?&](?:{names})=)[^&#]+", re.IGNORECASE)


_SECRET = "|".join(SECRET_PARAMETERS)
_USERINFO = r"(?i)^([a-z][a-z0-9+.-]*://)[^/?#]*@"
_REPLACEMENT = rf"\g<1>{PLACEHOLDER}"


def redact_url(url: str, extra: re.Pattern[str] | None = None) -> str:
    """The URL without userinfo, secret parameters and signatures; the rest as it was.

    Args:
        url: any URL, absolute or relative.
        extra: a pattern from :func:`parameter_pattern` for the user's own names.
    """
    if "@" in url:
        url = _sub(_USERINFO, r"\1", url)
    if "=" not in url:
        return url
    lowered = url.lower()
    for mark, names in _SIGNED:
        if mark in lowered:
            url = _pattern(names).sub(_REPLACEMENT, url)
    url = _pattern(_SECRET).sub(_REPLACEMENT, url)
    return url if extra is None else extra.sub(_REPLACEMENT, url)


def parameter_pattern(names: list[str]) -> re.Pattern[str] | None:
    """A pattern for query parameters of these names, or None for no names."""
    return _pattern("|".join(re.escape(name) for name in names)) if names else None


def redact_request_headers(headers: Headers) -> Headers:
    """Request headers with the values of credentials and cookies replaced."""
    return [
        (
            name,
            PLACEHOLDER
            if name.lower() in CREDENTIAL_HEADERS or name.lower() == "cookie"
            else value,
        )
        for name, value in headers
    ]


def redact_response_headers(headers: Headers, extra: re.Pattern[str] | None = None) -> Headers:
    """Response headers with signatures taken out of the URLs that they carry.

    A client that follows the redacted Location asks for a URL with the same key.
    """
    return [
        (
            name,
            redact_url(value, extra)
            if name.lower() in ("location", "content-location", "link")
            else value,
        )
        for name, value in headers
    ]
