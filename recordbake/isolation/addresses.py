"""Where a socket address leads, and whether it may be reached; nothing is connected here."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DNS_PORT = 53
#: Services that look names up outside on a program's behalf: nscd and systemd-resolved.
_NAME_SERVICES = re.compile(rb"/nscd/socket$|^/run/systemd/resolve/")
_MAPPED = b"\0" * 10 + b"\xff\xff"
_LOCAL_FAMILIES = (socket.AF_UNIX, 16, 38)  # AF_NETLINK (the kernel), AF_ALG (its ciphers)


@dataclass(frozen=True)
class Destination:
    """A parsed socket address.

    Args:
        host: the IP address, or what is known of an address of another kind.
        port: TCP or UDP port, or None.
        local: whether it is this machine, by its family or because it is loopback.
        looks_up: whether a name service listens there that asks others outside.
    """

    host: str
    port: int | None = None
    local: bool = False
    looks_up: bool = False


def parse(data: bytes, *, sending: bool) -> Destination | None:
    """Read a ``struct sockaddr``.

    Args:
        data: its bytes.
        sending: it comes with a message: there Linux takes AF_UNSPEC for AF_INET
            (``udp_sendmsg``), while a connect to AF_UNSPEC disconnects.

    Returns:
        None where it leads nowhere: the kernel refuses it, or disconnects.
    """
    if len(data) < 2:  # noqa: PLR2004
        return None
    family = struct.unpack_from("=H", data)[0]
    if family == socket.AF_UNSPEC:
        if not sending:
            return None
        family = socket.AF_INET
    if family in (socket.AF_INET, socket.AF_INET6):
        return _internet(family, data)
    if family not in _LOCAL_FAMILIES:
        return Destination(f"address family {family}")
    path = data[2:].partition(b"\0")[0] if family == socket.AF_UNIX else b""
    looks_up = bool(_NAME_SERVICES.search(path))
    return Destination(path.decode("utf-8", "replace"), local=True, looks_up=looks_up)


def _internet(family: int, data: bytes) -> Destination | None:
    packed = data[4:8] if family == socket.AF_INET else data[8:24]
    if len(packed) != (4 if family == socket.AF_INET else 16):
        return None  # too short: EINVAL
    address = ip_address(packed[12:] if packed.startswith(_MAPPED) else packed)
    local = address.is_loopback or address.is_unspecified  # Linux connects 0.0.0.0 to itself
    port = struct.unpack_from("!H", data, 2)[0]
    return Destination(str(address), port, local, looks_up=port == DNS_PORT)


def is_address(host: str) -> bool:
    """Whether a configured host is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Policy:
    """What a strict replay may reach: this machine, and what ``ignore_hosts`` names.

    Name servers are reached only if ``ignore_hosts`` names a host by name, which has to be looked
    up, or a name server by its address: one on loopback would ask another outside.

    Args:
        ignore_hosts: host names and addresses.
        own: addresses that belong to this machine's own name.
        resolvers: addresses of the name servers that the system asks.
    """

    _KEPT = 10.0  # seconds that a look-up is good for

    def __init__(
        self, ignore_hosts: Iterable[str], own: Iterable[str] = (), resolvers: Iterable[str] = ()
    ) -> None:
        hosts = [host.strip("[]").lower() for host in ignore_hosts]
        self._named = frozenset(str(ip_address(host)) for host in hosts if is_address(host))
        self._own = frozenset(own)
        self._names = tuple(h for h in hosts if not is_address(h) and h != "localhost")
        self._resolvers = frozenset(resolvers)
        self._found: frozenset[str] = frozenset()
        self._looked_up = float("-inf")
        self._looking = threading.Lock()

    @property
    def is_slow(self) -> bool:
        """Whether a question may have to wait until names are looked up."""
        return bool(self._names) and time.monotonic() - self._looked_up > self._KEPT

    def allows(self, to: Destination) -> bool:
        """Whether a destination may be reached; names are looked up where it matters."""
        if to.host in self._named:
            return True
        if to.looks_up:
            return bool(self._names) and (to.local or to.host in self._resolvers)
        return to.local or to.host in self._own or to.host in self._addresses_of_names()

    def _addresses_of_names(self) -> frozenset[str]:
        with self._looking:  # once for all that ask at the same time
            if self.is_slow:
                found: set[str] = set()
                for name in self._names:
                    with suppress(OSError, UnicodeError):  # unknown, or no name at all: ".example"
                        found.update(str(entry[4][0]) for entry in socket.getaddrinfo(name, None))
                self._found, self._looked_up = frozenset(found), time.monotonic()
            return self._found


def system_resolvers(path: Path = Path("/etc/resolv.conf")) -> frozenset[str]:
    """The name servers of resolv.conf(5); none if it cannot be read."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return frozenset()
    return frozenset(re.findall(r"^nameserver\s+([^\s%]+)", text, re.MULTILINE))
