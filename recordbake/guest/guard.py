"""The in-process barrier: connections and look-ups that no adapter explains.

An audit hook (PEP 578) sees what Python's own socket module is asked. A strict replay refuses it,
the other modes journal it. Loopback, Unix sockets and excluded hosts pass. Native code with
sockets of its own is not seen here.
"""

from __future__ import annotations

import errno
import os

from . import clock, live
from .attribution import allowed_hosts, current_test, passes
from .call_site import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .events import Journal

    Handler = Callable[[str, tuple[Any, ...]], None]

#: Audit event -> position of the address or host among its arguments.
#: Source: Python documentation, "Audit events table".
_WATCHED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_LOCAL = frozenset(
    {"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost",
     "ip6-loopback", "::1", "0.0.0.0", "::", ""}  # noqa: S104  # as destinations: this machine
)  # fmt: skip
_KEPT = 10.0  # seconds that the addresses of excluded names are good for
_EAI_NONAME, _EAI_AGAIN = -2, -3  # netdb.h; the numbers of Linux


def is_local(host: str) -> bool:
    """Whether a host or address is this machine, by its name alone (RFC 6761 section 6.3)."""
    if host in _LOCAL or host.endswith(".localhost"):
        return True
    address = host.removeprefix("::ffff:")
    return address.startswith("127.") and address.replace(".", "").isdigit()


class Guard:
    """Blocks, or only journals, what no adapter explains.

    Args:
        settings: the handover's dictionary.
        journal: where leaks are reported.
    """

    def __init__(self, settings: dict[str, Any], journal: Journal) -> None:
        self._journal = journal
        self._strict = settings["mode"] == "replay_strict"
        self._ignored = frozenset(host.lower().strip("[]") for host in settings["ignore_hosts"])
        self._own_addresses = settings.get("own_addresses")
        try:
            self._own_name = os.uname().nodename.lower()  # machines look themselves up
        except (AttributeError, OSError):
            self._own_name = ""
        self._found: frozenset[str] = frozenset()
        self._hosts: frozenset[str] = frozenset()
        self._looked_up = float("-inf")

    def handlers(self) -> dict[str, Handler]:
        """What to call at which audit event."""
        return dict.fromkeys(_WATCHED, self.check)

    def check(self, event: str, args: tuple[Any, ...]) -> None:
        """Let pass, journal or block.

        Raises:
            ConnectionRefusedError: a strict replay does not let the connection out.
            socket.gaierror: nor the look-up.
        """
        lookup = event in _LOOKUPS
        target = args[_WATCHED[event]]
        if isinstance(target, tuple):
            host, port = target[0], target[1] if len(target) > 1 else None
        elif lookup:
            host, port = target, args[1] if event == "socket.getaddrinfo" else None
        else:
            return  # a path: Unix sockets stay on this machine
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("latin-1")
        if not isinstance(host, str):
            return
        host = host.lower().rstrip(".")
        if is_local(host) or host in self._ignored or passes(host):
            return
        if lookup and host == self._own_name:
            self._check_own_name()
            return
        if not lookup and self._is_address_of_allowed(host):
            return
        if self._strict or not live.explains(host, lookup=lookup):
            self._leak(event.partition(".")[2], host, port, lookup=lookup)

    def _check_own_name(self) -> None:
        """A name that only a name server knows is not asked for; no test is to blame for that."""
        if self._strict and self._own_addresses is not None and not self._own_addresses:
            from socket import gaierror

            raise gaierror(
                _EAI_AGAIN,
                f"recordbake did not ask a name server for this machine's own name, "
                f"{self._own_name}: add it to /etc/hosts",
            )

    def _is_address_of_allowed(self, address: str) -> bool:
        """Whether an address belongs to a name that may be reached; looked up when it matters."""
        hosts = self._ignored | allowed_hosts()
        if clock.monotonic() - self._looked_up > _KEPT or hosts != self._hosts:
            self._looked_up, self._hosts = clock.monotonic(), hosts
            names = set(hosts)
            if self._own_addresses is None and self._own_name:
                names.add(self._own_name)
            self._found = _addresses(names) | frozenset(self._own_addresses or ())
        return address in self._found

    def _leak(self, what: str, host: str, port: Any, *, lookup: bool) -> None:
        number = port if isinstance(port, int) else None
        site = call_site()
        self._journal.write(
            "leak", host=host, port=number, what=what, blocked=self._strict, site=site
        )
        if not self._strict:
            return
        message = (
            f"recordbake blocked {what} of {host}{'' if port is None else f':{port}'} in a strict "
            f"replay: no client that recordbake captures asked for it\n"
            f"  test:    {current_test() or 'none known'}\n"
            f"  at:      {site or 'not known'}\n"
            f"  next:    name the host in ignore_hosts of [tool.recordbake] if it may go out"
        )
        if lookup:
            from socket import gaierror

            raise gaierror(_EAI_NONAME, message)
        raise ConnectionRefusedError(errno.ECONNREFUSED, message)


def _addresses(names: set[str]) -> frozenset[str]:
    import socket

    found: set[str] = set()
    for name in names:
        try:
            found.update(str(entry[4][0]) for entry in socket.getaddrinfo(name, None))
        except OSError:
            continue
    return frozenset(found)
