"""Releases of the clients with which the contract holds; the lowest and the newest are tested."""

from __future__ import annotations

#: Client -> the lowest release that is supported, and the first that is not known to be.
SUPPORTED = {
    "http.client": ("3.10", "3.14"),  # part of Python
    "urllib3": ("1.26", "3"),
    "httpx": ("0.25.1", "0.29"),
    "httpx2": ("2.3", "3"),
    "aiohttp": ("3.9", "3.15"),
    "httplib2": ("0.20", "0.33"),
    "tornado": ("6.2", "6.7"),
    "pycurl": ("7.45.4", "8"),  # below tornado; its wheels bring libcurl 8.11 and later
}


def _numbers(version: str) -> tuple[int, ...]:
    """The release segment (PEP 440) without trailing zeros; empty for what is no version."""
    numbers = []
    for part in version.split("."):
        rest = part.lstrip("0123456789")
        if rest != part:
            numbers.append(int(part[: len(part) - len(rest)]))
        if rest or not part:
            break
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def problem(client: str, version: str) -> str:
    """Why a replay through this release cannot be guaranteed; empty if it can.

    Args:
        client: what is not in :data:`SUPPORTED` stands on one that is, and counts as that.
        version: as the library tells it.
    """
    if client not in SUPPORTED:
        return ""
    lowest, below = SUPPORTED[client]
    if _numbers(lowest) <= _numbers(version) < _numbers(below):
        return ""
    return f"{client} {version} is not one that recordbake knows: it supports >={lowest},<{below}"
