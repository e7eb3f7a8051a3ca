"""An outside that is inside this machine: listeners on documentation addresses.

    unshare --net --mount python outside.py ARRIVALS FIRST_PORT COUNT -- COMMAND...

Meant to run in network and mount namespaces of its own. There, 192.0.2.1 and 2001:db8::1 (RFC 5737,
RFC 3849) are put on the loopback device, with a listener for TCP and UDP on each port, and a name
server on port 53 that is the system's own. ARRIVALS gets what came: a port per line, or a name that
was asked for.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HOST, HOST6 = "192.0.2.1", "2001:db8::1"


def set_up() -> None:
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{HOST}/32", "dev", "lo"],
        # a packet made by hand comes from an address of this machine
        ["sysctl", "-qw", "net.ipv4.conf.all.accept_local=1"],
        ["ip", "-6", "addr", "add", f"{HOST6}/128", "dev", "lo", "nodad"],
    ):
        subprocess.run(command, check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as stream:
        stream.write(f"nameserver {HOST}\noptions timeout:1 attempts:1\n")
    subprocess.run(["chmod", "644", stream.name], check=True)
    subprocess.run(["mount", "--bind", stream.name, "/etc/resolv.conf"], check=True)


def listener(family: int, kind: int, host: str, port: int) -> socket.socket:
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_STREAM:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
    made.bind((host, port))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def listeners(ports: list[int]) -> selectors.BaseSelector:
    selector = selectors.DefaultSelector()
    for port in ports:
        for family, host in ((socket.AF_INET, HOST), (socket.AF_INET6, HOST6)):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                made = listener(family, kind, host, port)
                selector.register(made, selectors.EVENT_READ, (kind, port))
    return selector


def serve(selector: selectors.BaseSelector, process: int, log) -> None:
    """Until a process has ended and all that had come by then is told."""
    end = os.pidfd_open(process)
    selector.register(end, selectors.EVENT_READ)
    ended = False
    while (ready := selector.select(0 if ended else None)) or not ended:
        for key, _ in ready:
            if key.fileobj == end:
                ended = True
                selector.unregister(end)
            else:
                log(arrived(key.fileobj, *key.data))


def arrived(where: socket.socket, kind: int, port: int) -> str:
    if kind == socket.SOCK_STREAM:
        where.accept()[0].close()
        return str(port)
    data, sender = where.recvfrom(2000)
    if port != 53 or len(data) <= 12:
        return str(port)
    # NXDOMAIN (RFC 1035 section 4.1.1), so that nobody waits for an answer
    where.sendto(data[:2] + b"\x81\x83" + data[4:], sender)
    return asked_name(data)


def asked_name(query: bytes) -> str:
    """The first label of a query's name (RFC 1035 section 4.1.2)."""
    return query[13 : 13 + query[12]].decode("ascii", "replace")


def main() -> int:
    arrivals, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    command = sys.argv[sys.argv.index("--") + 1 :]
    set_up()
    with Path(arrivals).open("a", buffering=1) as stream:
        selector = listeners([53, *range(first, first + count)])
        with subprocess.Popen(command) as process:
            serve(selector, process.pid, lambda text: stream.write(text + "\n"))
        return process.returncode


if __name__ == "__main__":
    sys.exit(main())
