"""The in-process barrier of a strict replay: what no adapter explains does not get out.

An audit hook (PEP 578) sees name resolution and connects of Python's own socket module. Loopback
and Unix sockets pass. Native code with sockets of its own is not seen here.
"""

from __future__ import annotations

import errno
import os

from .attribution import current_test

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Journal

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
_LOCAL = frozenset({"localhost", "::1", "0.0.0.0", "::", "", "ip6-localhost"})  # noqa: S104


class GuardError(ConnectionRefusedError):
    """A connection that a strict replay does not let out."""


def is_local(host: str, allowed: frozenset[str]) -> bool:
    """Whether a host or address is this machine, or one that the user excluded."""
    host = host.lower()
    return (
        host in _LOCAL
        or host.startswith(("127.", "::ffff:127."))
        or host.endswith(".localhost")
        or host in allowed
    )


class Guard:
    """Blocks and journals leaks.

    Args:
        settings: the handover's dictionary.
        journal: where leaks are reported.
    """

    def __init__(self, settings: dict[str, Any], journal: Journal) -> None:
        self._journal = journal
        names = {host.lower() for host in settings["ignore_hosts"]}
        try:
            names.add(os.uname().nodename.lower())  # machines look themselves up
        except (AttributeError, OSError):
            pass
        self._allowed = frozenset(names)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Block an audit event that would reach out of this machine (an audit hook, PEP 578)."""
        position = _WATCHED.get(event)
        if position is None:
            return
        target = args[position]
        if isinstance(target, tuple):
            host, port = target[0], target[1] if len(target) > 1 else None
        elif event in _LOOKUPS:
            host, port = target, args[1] if event == "socket.getaddrinfo" else None
        else:
            return  # a path: Unix sockets stay on this machine
        if isinstance(host, bytes):
            host = host.decode("latin-1")
        if not isinstance(host, str) or is_local(host, self._allowed):
            return
        if event not in _LOOKUPS and self._is_address_of_allowed(host):
            return
        self._block(event.partition(".")[2], host, port)

    def _is_address_of_allowed(self, address: str) -> bool:
        """Whether an address belongs to a name that may be reached; looked up when it matters."""
        import socket

        for name in self._allowed:
            try:
                found = socket.getaddrinfo(name, None)
            except OSError:
                continue
            if any(entry[4][0] == address for entry in found):
                return True
        return False

    def _block(self, what: str, host: str, port: Any) -> None:
        number = port if isinstance(port, int) else None
        self._journal.write("leak", host=host, port=number, what=what, blocked=True)
        raise GuardError(
            errno.ECONNREFUSED,
            f"recordbake blocked {what} of {host}{'' if port is None else f':{port}'} in a strict "
            f"replay: no client that recordbake captures asked for it "
            f"(test: {current_test() or 'none known'}). If it may go out, name the host in "
            f"ignore_hosts of [tool.recordbake].",
        )
